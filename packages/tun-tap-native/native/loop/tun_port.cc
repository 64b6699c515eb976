#include "tun_port.h"

#include <linux/if_tun.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cstring>
#include <utility>

#include "../plane/coalesce.h"
#include "tun_device.h"

// Younger than some headers this is built with (Linux 6.2).
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace tuntap {

namespace {

using pqtun::kVirtioHeaderSize;
using pqtun::VirtioHeader;

VirtioHeader headerOf(const void* bytes) {
  VirtioHeader header;
  std::memcpy(&header, bytes, sizeof header);
  return header;
}

bool isSuper(const VirtioHeader& header) { return header.gsoType != pqtun::virtio::kGsoNone; }

}  // namespace

OsResult<std::unique_ptr<TunPort>> TunPort::open(const std::string& name, int fd, Offloads* offloads, LoopCounters* counters) {
  std::unique_ptr<TunPort> port(new TunPort(offloads, counters));
  port->slab_ = Slab::map(kLongestFrame);
  if (!port->slab_) return OsError{ENOMEM, "mmap"};
  if (const OsError error = fd < 0 ? port->create(name) : port->adopt(fd)) return error;
  port->interfaceIndex_ = tunInterfaceIndex(port->fd_.get(), port->name_);
  port->settleOffloads();
  return port;
}

void TunPort::test(Offloads* offloads) {
  struct Attempt {
    Offloads* offloads;
    std::unique_ptr<LoopCounters> counters;
    OsError error;
  } attempt{offloads, LoopCounters::create(), {}};
  // A thread can have a network of its own: a device made there is seen by nobody, and goes with the descriptor.
  const auto tryElsewhere = [](void* data) -> void* {
    auto* own = static_cast<Attempt*>(data);
    if (::unshare(CLONE_NEWNET) < 0) {
      own->error = OsError::last("unshare");
    } else {
      own->error = open("tun%d", -1, own->offloads, own->counters.get()).error;
    }
    return nullptr;
  };
  pthread_t thread;
  const int code = ::pthread_create(&thread, nullptr, tryElsewhere, &attempt);
  if (code == 0) ::pthread_join(thread, nullptr);
  const OsError error = code == 0 ? attempt.error : OsError{code, "pthread_create"};
  if (!error) return;
  offloads->turnOff(Offload::vnetHeader, std::string("no device could be made to test it: ") + errorText(error.code) + ", " + error.call);
}

OsError TunPort::create(const std::string& name) {
  hasHeader_ = offloads_->wanted(Offload::vnetHeader);
  TunIdentity identity;
  OsResult<int> created = createTunDevice(name, IFF_TUN | IFF_NO_PI | (hasHeader_ ? IFF_VNET_HDR : 0), &identity);
  if (created.error && hasHeader_ && created.error.code == EINVAL) {
    // A persistent device keeps the flags it was made with, and a kernel may know no such flag.
    hasHeader_ = false;
    const OsResult<int> plain = createTunDevice(name, IFF_TUN | IFF_NO_PI, &identity);
    if (!plain.error) offloads_->turnOff(Offload::vnetHeader, "the device takes no virtio header");
    created = plain;
  }
  if (created.error) return created.error;
  fd_.reset(created.value);
  name_ = identity.name;
  return {};
}

OsError TunPort::adopt(int fd) {
  const OsResult<TunIdentity> identity = identifyTunDevice(fd);
  if (identity.error) return identity.error;
  if ((identity.value.flags & IFF_NO_PI) == 0 || (identity.value.flags & IFF_TAP) != 0) return {EINVAL, "TUNGETIFF"};
  hasHeader_ = (identity.value.flags & IFF_VNET_HDR) != 0;
  if (hasHeader_) {
    int size = kVirtioHeaderSize;
    if (::ioctl(fd, TUNSETVNETHDRSZ, &size) < 0) return OsError::last("TUNSETVNETHDRSZ");
  } else {
    offloads_->turnOff(Offload::vnetHeader, "the adopted device was opened without a virtio header");
  }
  if (const OsError error = adoptTunDevice(fd)) return error;
  fd_.reset(fd);
  name_ = identity.value.name;
  return {};
}

/** Asks for all at first and then for less: a kernel refuses the whole of a request for something it does not know. */
void TunPort::settleOffloads() {
  offloads_->turnOn(Offload::vnetHeader);
  const bool checksum = offloads_->wanted(Offload::checksum);
  if (!hasHeader_ || !checksum) {
    // Of an adopted device others may have asked for more than we are to handle.
    if (hasHeader_) setOffloads(0);
    return;
  }
  offloads_->turnOn(Offload::checksum);
  // Both families of each: one offload of the operator's. Linux takes USO for both or none.
  const unsigned tso = offloads_->wanted(Offload::tso) ? TUN_F_TSO4 | TUN_F_TSO6 : 0;
  const unsigned uso = offloads_->wanted(Offload::uso) ? TUN_F_USO4 | TUN_F_USO6 : 0;
  for (const unsigned flags : {tso | uso, tso, uso}) {
    if (flags == 0 || !setOffloads(TUN_F_CSUM | flags)) continue;
    if ((flags & tso) != 0) offloads_->turnOn(Offload::tso);
    if ((flags & uso) != 0) offloads_->turnOn(Offload::uso);
    break;
  }
  offloads_->settle(Offload::tso, "the kernel's TUN does not take it");
  offloads_->settle(Offload::uso, "the kernel's TUN does not take it (Linux 6.2 is the first)");
  if (offloads_->active(Offload::tso) || offloads_->active(Offload::uso)) return;
  if (!setOffloads(TUN_F_CSUM)) offloads_->turnOff(Offload::checksum, "the kernel's TUN does not take it");
}

bool TunPort::setOffloads(unsigned flags) { return ::ioctl(fd_.get(), TUNSETOFFLOAD, static_cast<unsigned long>(flags)) == 0; }

int32_t TunPort::read(uint8_t** frame) {
  uint8_t* bytes = slab_->data();
  const size_t skipped = hasHeader_ ? 0 : kVirtioHeaderSize;
  ssize_t length;
  do {
    length = ::read(fd_.get(), bytes + skipped, kLongestFrame - skipped);
  } while (length < 0 && errno == EINTR);
  if (length < 0) {
    // All but these say that the device, or our part in it, is gone: EBADFD after it was deleted (tun_chr_read_iter). An interface
    // that is down, or without carrier, has nothing to read and no error.
    if (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS) return 0;
    error_ = OsError::last("read");
    return -1;
  }
  *frame = bytes;
  if (!hasHeader_) {
    // The former contents were written to, by whoever took the last frame.
    const VirtioHeader plain = pqtun::plainHeader();
    std::memcpy(bytes, &plain, sizeof plain);
  }
  const size_t whole = static_cast<size_t>(length) + skipped;
  counters_->add(LoopCounter::tunFramesRead);
  counters_->add(LoopCounter::tunBytesRead, whole < kVirtioHeaderSize ? 0 : whole - kVirtioHeaderSize);
  if (hasHeader_ && whole >= kVirtioHeaderSize && isSuper(headerOf(bytes))) counters_->add(LoopCounter::tunSuperFramesRead);
  return static_cast<int32_t>(whole);
}

TunWrite TunPort::write(const iovec* pieces, uint32_t count) {
  const VirtioHeader header = headerOf(pieces[0].iov_base);
  const ssize_t written = writePieces(pieces, count);
  if (written >= 0) {
    counters_->add(LoopCounter::tunFramesWritten);
    counters_->add(LoopCounter::tunBytesWritten, static_cast<uint64_t>(written) - (hasHeader_ ? kVirtioHeaderSize : 0));
    if (isSuper(header)) counters_->add(LoopCounter::tunSuperFramesWritten);
    return TunWrite::taken;
  }
  switch (errno) {
    case EBADFD:
      error_ = OsError::last("write");
      counters_->add(LoopCounter::tunFramesDropped);
      return TunWrite::gone;
    // EIO: the interface is down (tun_get_user); it may come up again.
    case EIO:
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      counters_->add(LoopCounter::tunFramesDropped);
      return TunWrite::dropped;
    default:
      break;
  }
  counters_->add(LoopCounter::tunFramesRefused);
  if (isSuper(header)) {
    // Reading them goes on: it is the kernel that makes those.
    const bool udp = header.gsoType == pqtun::virtio::kGsoUdp;
    offloads_->turnOff(udp ? Offload::uso : Offload::tso, std::string("the kernel refused a super-frame: ") + errorText(errno));
  }
  return TunWrite::refused;
}

ssize_t TunPort::writePieces(const iovec* pieces, uint32_t count) {
  iovec without[pqtun::Coalescer::kMostVectors + 1];
  if (!hasHeader_) {
    if (count > pqtun::Coalescer::kMostVectors + 1) {
      errno = EINVAL;
      return -1;
    }
    std::memcpy(without, pieces, count * sizeof *pieces);
    without[0].iov_base = static_cast<uint8_t*>(without[0].iov_base) + kVirtioHeaderSize;
    without[0].iov_len -= kVirtioHeaderSize;
    pieces = without;
  }
  for (;;) {
    const ssize_t written = ::writev(fd_.get(), pieces, static_cast<int>(count));
    if (written >= 0 || errno != EINTR) return written;
  }
}

}  // namespace tuntap
