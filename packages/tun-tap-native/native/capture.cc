#include "capture.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <utility>

#include "js.h"
#include "netlink_arguments.h"
#include "netlink_results.h"

namespace tuntap {

namespace {

constexpr uint32_t kBatch = 64;

// A veth hands segments over unsplit: an IP packet of 65,535 bytes behind its link header. Whole pages.
constexpr size_t kSlotSize = 17 * 4096;

// The kernel charges each frame for the memory behind it, at least 768 bytes; this is some 40,000 small frames.
constexpr int kReceiveBuffer = 32 * 1024 * 1024;

constexpr napi_type_tag kCaptureTag = {0xd3b07384d113edec, 0x49ad2a6f0c1be875};

}  // namespace

OsResult<std::shared_ptr<Capture>> Capture::open(std::shared_ptr<Environment> environment, const std::string& device) {
  std::shared_ptr<Capture> capture(new Capture(environment));
  if (OsError error = capture->bindTo(device)) return error;
  capture->slab_ = Slab::map(kBatch * kSlotSize);
  capture->table_ = Slab::map(kBatch * sizeof(FramePosition));
  if (!capture->slab_ || !capture->table_) return OsError{ENOMEM, "mmap"};
  // The poll handle never outlives the capture, so it may point at it.
  auto poll = PollHandle::open(std::move(environment), capture->fd_.get(),
                               [self = capture.get()](int status) { self->turn(status); });
  if (poll.error) return poll.error;
  capture->poll_ = std::move(poll.value);
  return capture;
}

OsError Capture::bindTo(const std::string& device) {
  // Protocol 0 until bound: with ETH_P_ALL the socket would first collect the frames of every interface.
  fd_ = UniqueFd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_.valid()) return OsError::last("socket");
  // The forced size needs CAP_NET_ADMIN; with the plain one the buffer is smaller, and dropped() tells.
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof(kReceiveBuffer)) < 0) {
    (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof(kReceiveBuffer));
  }
  sockaddr_ll local = {};
  local.sll_family = AF_PACKET;
  local.sll_protocol = htons(ETH_P_ALL);
  local.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  if (local.sll_ifindex == 0) return OsError::last("if_nametoindex");
  if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&local), sizeof(local)) < 0) return OsError::last("bind");
  return {};
}

OsError Capture::start(OnFrames onFrames) {
  if (!fd_.valid()) return {EBADF, "start"};
  onFrames_ = std::make_shared<const OnFrames>(std::move(onFrames));
  return poll_->start();
}

OsResult<uint64_t> Capture::dropped() {
  if (!fd_.valid()) return OsError{EBADF, "getsockopt"};
  tpacket_stats statistics = {};
  socklen_t length = sizeof(statistics);
  // Reading sets the kernel's counter back to 0.
  if (::getsockopt(fd_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &length) < 0) {
    return OsError::last("getsockopt");
  }
  return statistics.tp_drops + std::exchange(cut_, 0);
}

void Capture::close() {
  poll_.reset();
  fd_.reset();
  onFrames_.reset();
}

void Capture::turn(int status) {
  const uint32_t count = readBatch();
  // libuv stops at EPOLLERR, which an interface going down is; reading has cleared it.
  if (status != 0 && poll_->start()) close();
  // A copy: the callback may close this capture. What is left is reported again on the next turn.
  const std::shared_ptr<const OnFrames> onFrames = onFrames_;
  if (count != 0 && onFrames) (*onFrames)(count);
}

uint32_t Capture::readBatch() {
  mmsghdr messages[kBatch] = {};
  iovec slots[kBatch];
  sockaddr_ll from[kBatch];
  for (uint32_t i = 0; i < kBatch; i++) {
    slots[i] = {slab_->data() + i * kSlotSize, kSlotSize};
    messages[i].msg_hdr.msg_iov = &slots[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_name = &from[i];
    messages[i].msg_hdr.msg_namelen = sizeof(from[i]);
  }
  // ENETDOWN says the interface went down, once; it goes on when it is up again (packet_notifier, af_packet.c).
  const int received = ::recvmmsg(fd_.get(), messages, kBatch, 0, nullptr);
  uint32_t count = 0;
  auto* table = reinterpret_cast<FramePosition*>(table_->data());
  for (int i = 0; i < received; i++) {
    if (messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
      cut_++;
      continue;
    }
    const uint32_t offset = static_cast<uint32_t>(static_cast<uint8_t*>(slots[i].iov_base) - slab_->data());
    table[count++] = {offset, messages[i].msg_len, from[i].sll_pkttype == PACKET_OUTGOING ? 1u : 0u};
  }
  return count;
}

namespace {

void throwCaptureError(napi_env env, OsError error, const std::string& operation) {
  netlink::throwOutcome(env, {error.code, {}}, operation, error.call);
}

/** openCapture(device: string): { handle, frames: ArrayBuffer, table: ArrayBuffer }. */
napi_value openCapture(napi_env env, napi_callback_info info) {
  netlink::ArgumentReader arguments(env, info);
  const std::string device = arguments.interfaceName(0, "device");
  if (arguments.failed()) return nullptr;
  auto opened = Capture::open(Environment::of(env), device);
  if (opened.error) {
    throwCaptureError(env, opened.error, "capture on " + device);
    return nullptr;
  }
  const napi_value frames = makeArrayBuffer(env, opened.value->slab());
  const napi_value table = frames ? makeArrayBuffer(env, opened.value->table()) : nullptr;
  napi_value result = nullptr;
  if (!table || napi_create_object(env, &result) != napi_ok) return nullptr;
  setProperty(env, result, "frames", frames);
  setProperty(env, result, "table", table);
  setProperty(env, result, "handle", wrapHandle(env, opened.value, kCaptureTag));
  return result;
}

/** startCapture(handle, onFrames: (count: number) => void). */
napi_value startCapture(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto capture = arguments.handle<Capture>(0, kCaptureTag);
  const napi_value function = arguments.function(1, "onFrames");
  if (!arguments.ok()) return nullptr;
  auto callback = std::make_shared<JsCallback>(env, function, "capture");
  const OsError error = capture->start([callback](uint32_t count) {
    HandleScope scope(callback->env());
    callback->call({makeNumber(callback->env(), count)});
  });
  if (error) throwCaptureError(env, error, "start the capture");
  return nullptr;
}

/** droppedByCapture(handle): number. */
napi_value droppedByCapture(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto capture = arguments.handle<Capture>(0, kCaptureTag);
  if (!arguments.ok()) return nullptr;
  const OsResult<uint64_t> dropped = capture->dropped();
  if (dropped.error) {
    throwCaptureError(env, dropped.error, "read the statistics of the capture");
    return nullptr;
  }
  return makeNumber(env, static_cast<double>(dropped.value));
}

/** closeCapture(handle). Harmless when repeated. */
napi_value closeCapture(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto capture = arguments.handle<Capture>(0, kCaptureTag);
  if (arguments.ok()) capture->close();
  return nullptr;
}

}  // namespace

}  // namespace tuntap

void initCapture(napi_env env, napi_value exports) {
  tuntap::setFunction(env, exports, "openCapture", tuntap::openCapture);
  tuntap::setFunction(env, exports, "startCapture", tuntap::startCapture);
  tuntap::setFunction(env, exports, "droppedByCapture", tuntap::droppedByCapture);
  tuntap::setFunction(env, exports, "closeCapture", tuntap::closeCapture);
}
