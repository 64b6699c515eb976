// The path of a packet out:
//   1. epoll reports the TUN readable                                     run()
//   2. Frames are read until there are no more, or the share is used up    readTun()
//   3. The plane seals into trains; full ones leave at once                sendTrain()
//   4. flush() sends the others, so that nothing waits for a next turn     turn()
// In:
//   1. epoll reports a socket readable                                    run()
//   2. Reads of one or more datagrams lie one behind the other             readUdp()
//   3. The plane opens them where they lie
//   4. flush() joins them and writes to the TUN                            writeTun()
// Each descriptor has a share of a turn, and each turn looks at all of them; between two turns a verb may come.
#include "plane_loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "../plane/reports.h"
#include "boot_time.h"
#include "udp_self_test.h"

namespace tuntap {

namespace {

using pqtun::Instant;

/** What is read of the TUN in one turn: about as much as takes half a millisecond to seal. */
constexpr uint32_t kTunShare = 512 * 1024;
/** How long a TUN that reports an error and has none is left alone, in ms. */
constexpr double kParking = 20;
/** A socket that says so often that there is an error, and has none and no datagram, is broken. */
constexpr uint32_t kMostUdpErrors = 64;

OsResult<UniqueFd> makeEventFd() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) return OsError::last("eventfd");
  return fd;
}

void signalEvent(const UniqueFd& fd) {
  const uint64_t one = 1;
  // EAGAIN: the counter is full, so that it is readable all the same.
  while (::write(fd.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void clearEvent(const UniqueFd& fd) {
  uint64_t count = 0;
  while (::read(fd.get(), &count, sizeof count) < 0 && errno == EINTR) {
  }
}

int toTimeout(Instant now, Instant at) { return static_cast<int>(std::ceil(std::min(std::max(at - now, 0.0), 1e6))); }

}  // namespace

OsResult<std::unique_ptr<PlaneLoop>> PlaneLoop::open(const PlaneLoopOptions& options) {
  std::unique_ptr<PlaneLoop> loop(new PlaneLoop(options));
  if (!loop->counters_) return OsError{ENOMEM, "mmap"};
  if (const OsError error = loop->openAll(options)) {
    loop->releaseTun(options);
    return error;
  }
  return loop;
}

void PlaneLoop::releaseTun(const PlaneLoopOptions& options) {
  if (options.tunFd >= 0 && tun_) tun_->release();
}

PlaneLoop::PlaneLoop(const PlaneLoopOptions& options)
    : batch_(options.batch),
      offloads_(options.allowedOffloads),
      counters_(LoopCounters::create()),
      sender_(&offloads_, counters_.get(), &failures_) {}

OsError PlaneLoop::openAll(const PlaneLoopOptions& options) {
  testUdpOffloads(&offloads_);
  UdpPortOptions udp = options.udp;
  udp.joined = offloads_.active(Offload::udpGro);
  auto port = UdpPort::open(udp);
  if (port.error) return port.error;
  udp_ = std::move(port.value);
  sender_.use(udp_.get());
  receiver_ = UdpReceiver::create(counters_.get());
  if (!receiver_) return {ENOMEM, "mmap"};

  auto poke = makeEventFd();
  auto wakeUp = makeEventFd();
  if (poke.error || wakeUp.error) return poke.error ? poke.error : wakeUp.error;
  poke_ = std::move(poke.value);
  wakeUp_ = std::move(wakeUp.value);
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return OsError::last("epoll_create1");

  auto tun = TunPort::open(options.tunName, options.tunFd, &offloads_, counters_.get());
  if (tun.error) return tun.error;
  tun_ = std::move(tun.value);
  OsError error = watch(tun_->fd(), kTun);
  if (!error) error = watch(poke_.get(), kPoke);
  if (!error) error = watchUdp();
  if (error) return error;

  pqtun::PlaneOptions plane{};
  plane.aead = options.aead;
  plane.mtu = options.mtu;
  plane.clampMss = options.clampMss;
  plane.coalesceTcp = offloads_.active(Offload::tso);
  plane.coalesceUdp = offloads_.active(Offload::uso);
  // Also where trains do not leave as one: they are sealed together, and sent by one system call as a list.
  plane.trains = true;
  if (::getrandom(&plane.hashKey, sizeof plane.hashKey, 0) != sizeof plane.hashKey) return OsError::last("getrandom");
  plane_.reset(new pqtun::DataPlane(plane, this));
  offloads_.takeChanges();
  return {};
}

PlaneLoop::~PlaneLoop() {
  if (!running_) return;
  stopping_ = true;
  signalEvent(poke_);
  ::pthread_join(thread_, nullptr);
}

OsError PlaneLoop::start() {
  if (running_) return {EALREADY, "start"};
  // Signals are for the threads that know what to do with them; the new one inherits this mask.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto enter = [](void* self) -> void* {
    static_cast<PlaneLoop*>(self)->run();
    return nullptr;
  };
  const int code = ::pthread_create(&thread_, nullptr, enter, this);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (code != 0) return {code, "pthread_create"};
  running_ = true;
  ::pthread_setname_np(thread_, "data-plane");
  return {};
}

OsError PlaneLoop::rebind(const UdpPortOptions& options) {
  UdpPortOptions udp = options;
  {
    const std::lock_guard<TurnLock> hold(lock_);
    udp.joined = offloads_.active(Offload::udpGro);
  }
  auto port = UdpPort::open(udp);
  if (port.error) return port.error;
  const std::lock_guard<TurnLock> hold(lock_);
  // Closing takes the old ones out of epoll. What it has reported of them already finds the new ones empty.
  std::swap(udp_, port.value);
  sender_.use(udp_.get());
  return watchUdp();
}

OsError PlaneLoop::watch(int fd, Source source) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = source;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? OsError{} : OsError::last("epoll_ctl");
}

OsError PlaneLoop::watchUdp() {
  OsError error;
  if (udp_->fd(4) >= 0) error = watch(udp_->fd(4), kUdp4);
  if (!error && udp_->fd(6) >= 0) error = watch(udp_->fd(6), kUdp6);
  return error;
}

/* the loop's thread */

void PlaneLoop::run() {
  epoll_event ready[4];
  // A verb may have left something to tell before there was a loop.
  int timeout = 0;
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), ready, 4, timeout);
    if (stopping_) return;
    const std::lock_guard<TurnLock> hold(lock_);
    timeout = turn(ready, std::max(count, 0));
  }
}

/** Returns for how long there is nothing to do, in ms; −1: until something comes. */
int PlaneLoop::turn(const epoll_event* ready, int count) {
  const Instant now = bootTime();
  uint32_t events[4] = {0, 0, 0, 0};
  for (int i = 0; i < count; ++i) events[ready[i].data.u32] = ready[i].events;
  if (tunAt_ >= 0 && now >= tunAt_) {
    tunAt_ = -1;
    if (const OsError error = watch(tun_->fd(), kTun)) lose(error);
  }
  if (events[kPoke] != 0) clearEvent(poke_);
  sender_.beginTurn();
  receiver_->clear();
  if (count > 0) counters_->add(LoopCounter::turns);
  if (events[kTun] != 0) readTun(now, events[kTun]);
  // The sockets share one block of memory: each is the first every other time.
  ipv6First_ = !ipv6First_;
  for (const Source source : {ipv6First_ ? kUdp6 : kUdp4, ipv6First_ ? kUdp4 : kUdp6}) {
    if (events[source] != 0) readUdp(now, source, events[source]);
  }
  if (count > 0) plane_->flush(now);
  settle();
  const int called = tell(now);
  if (tunAt_ < 0) return called;
  const int parked = toTimeout(now, tunAt_);
  return called < 0 ? parked : std::min(called, parked);
}

void PlaneLoop::readTun(Instant now, uint32_t events) {
  uint32_t bytes = 0;
  // A full socket makes what follows wait in the TUN's queue, where the sender can be told.
  for (uint32_t i = 0; i < batch_ && bytes < kTunShare && !sender_.full(); ++i) {
    uint8_t* frame = nullptr;
    const int32_t length = tun_->read(&frame);
    if (length < 0) return lose(tun_->error());
    if (length == 0) {
      // epoll reports these whether they are asked for or not: a device on its way out would make the loop spin.
      if (i == 0 && (events & (EPOLLERR | EPOLLHUP)) != 0) parkTun(now);
      return;
    }
    plane_->handleTun(now, frame, static_cast<uint32_t>(length));
    bytes += static_cast<uint32_t>(length);
  }
}

void PlaneLoop::parkTun(Instant now) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, tun_->fd(), nullptr);
  tunAt_ = now + kParking;
}

void PlaneLoop::readUdp(Instant now, Source source, uint32_t events) {
  const int fd = udp_->fd(source == kUdp4 ? 4 : 6);
  if (fd < 0) return;
  uint32_t& errors = udpErrors_[source == kUdp4 ? 0 : 1];
  uint32_t count = 0;
  while (count < batch_ && receiver_->hasRoom()) {
    Received received;
    const UdpReceiver::Outcome outcome = receiver_->receive(fd, &received);
    if (outcome == UdpReceiver::Outcome::failed) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
      return lose(receiver_->error());
    }
    if (outcome == UdpReceiver::Outcome::nothing) break;
    plane_->handleUdp(now, received.from, received.localAddress, received.bytes, received.length, received.segmentSize,
                      received.truncated);
    ++count;
  }
  if (count > 0 || (events & EPOLLERR) == 0) {
    errors = 0;
    return;
  }
  // Reading has had its chance to tell the error.
  int pending = 0;
  socklen_t length = sizeof pending;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length);
  if (pending != 0) counters_->add(LoopCounter::udpReceiveErrors);
  if (++errors < kMostUdpErrors) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  lose({pending != 0 ? pending : EIO, "epoll_wait"});
}

/** Packets cease to flow; verbs and the other descriptors go on until the owner has decided. */
void PlaneLoop::lose(const OsError& error) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, tun_->fd(), nullptr);
  tunAt_ = -1;
  if (std::exchange(isLost_, true)) return;
  lost_ = error;
}

/** Lets the plane know which offloads are left, and all know whether there are events. */
void PlaneLoop::settle() {
  if (sender_.takeSourceLost()) sourceLost_ = true;
  const uint32_t changed = offloads_.takeChanges();
  if (changed != 0) {
    changedOffloads_ |= changed;
    plane_->allowCoalescing(offloads_.active(Offload::tso), offloads_.active(Offload::uso));
  }
  hasEvents_ = !failures_.empty() || sourceLost_ || changedOffloads_ != 0;
}

/** Calls the owner if it is time to; returns when to look again, in ms, −1: not by itself. */
int PlaneLoop::tell(Instant now) {
  if (!hasNews()) {
    callAt_ = -1;
    return -1;
  }
  if (callAt_ < 0) callAt_ = now + kLazily;
  if (now < callAt_ && !isUrgent()) return toTimeout(now, callAt_);
  callAt_ = now + kLazily;
  // One who has been called and has not come is not called again, but not forgotten either.
  if (!called_) wakeOwner();
  return toTimeout(now, callAt_);
}

bool PlaneLoop::hasNews() { return plane_->reports().pending() || hasEvents_ || lost_; }

bool PlaneLoop::isUrgent() { return plane_->reports().urgent() || lost_; }

void PlaneLoop::wakeOwner() {
  called_ = true;
  counters_->add(LoopCounter::wakeUps);
  signalEvent(wakeUp_);
}

/* the owner's thread */

PlaneLoop::Verb::Verb(PlaneLoop* loop) : loop_(loop) {
  loop_->lock_.lock();
  loop_->sender_.beginTurn();
}

/** The loop may be asleep without a deadline: it is told that it has one. */
PlaneLoop::Verb::~Verb() {
  loop_->settle();
  if (loop_->hasNews() && !loop_->called_) {
    if (loop_->isUrgent()) {
      loop_->wakeOwner();
    } else if (loop_->callAt_ < 0 && loop_->running_) {
      signalEvent(loop_->poke_);
    }
  }
  loop_->lock_.unlock();
}

LoopEvents PlaneLoop::Verb::takeEvents() {
  return {loop_->failures_.take(), std::exchange(loop_->sourceLost_, false), std::exchange(loop_->changedOffloads_, 0)};
}

OsError PlaneLoop::Verb::setMark(uint32_t mark) { return loop_->udp_->setMark(mark); }

void PlaneLoop::acknowledge() {
  clearEvent(wakeUp_);
  called_ = false;
}

OsError PlaneLoop::takeLost() {
  const std::lock_guard<TurnLock> hold(lock_);
  return std::exchange(lost_, OsError{});
}

/* what leaves the plane, in either thread */

void PlaneLoop::sendTrain(const pqtun::Train& train) { sender_.send(train, true); }

void PlaneLoop::sendDatagram(const pqtun::Endpoint& to, const pqtun::LocalAddress& from, const uint8_t* bytes, uint32_t length) {
  sender_.send({to, from, bytes, length, length, 1}, false);
}

bool PlaneLoop::writeTun(const iovec* pieces, uint32_t count) {
  switch (tun_->write(pieces, count)) {
    case TunWrite::refused:
      return false;
    case TunWrite::gone:
      lose(tun_->error());
      return true;
    case TunWrite::taken:
    case TunWrite::dropped:
      break;
  }
  return true;
}

}  // namespace tuntap
