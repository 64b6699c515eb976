// What recvmsg brings, as the loop of a data plane reads it: lengths, flags, names, control messages and errors of every kind, many in a turn.
// sources: native/loop/udp_receiver.cc native/udp_address.cc native/capabilities.cc native/plane/gro_split.cc
// wrap: recvmsg
// runs: 100000
#include "loop/udp_receiver.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "input.h"
#include "plane/gro_split.h"

using namespace tuntap;

namespace {

Input* kernel = nullptr;
const uint8_t* lastEnd = nullptr;

}  // namespace

/** Writes what the input says, within what the caller offers, as a kernel does. */
extern "C" ssize_t __wrap_recvmsg(int, msghdr* message, int) {
  const auto choice = kernel->take<uint8_t>();
  if (kernel->left() == 0) {
    errno = EAGAIN;
    return -1;
  }
  if (choice < 64) {
    errno = choice + 1;
    return -1;
  }
  const iovec& room = message->msg_iov[0];
  // The next read must not reach into what the last one brought: it is still in use.
  require(static_cast<const uint8_t*>(room.iov_base) >= lastEnd);
  const size_t length = std::min<size_t>(kernel->take<uint16_t>() + (choice & 1u), room.iov_len);
  auto* bytes = static_cast<uint8_t*>(room.iov_base);
  bytes[0] = choice;
  if (length > 0) bytes[length - 1] = choice;
  lastEnd = bytes + length;
  const std::vector<uint8_t> name = kernel->bytes(sizeof(sockaddr_in6));
  std::memset(message->msg_name, 0, message->msg_namelen);
  std::copy(name.begin(), name.end(), static_cast<uint8_t*>(message->msg_name));
  message->msg_namelen = static_cast<socklen_t>(name.size());
  const std::vector<uint8_t> control = kernel->bytes(std::min<size_t>(kernel->take<uint8_t>(), message->msg_controllen));
  std::copy(control.begin(), control.end(), static_cast<uint8_t*>(message->msg_control));
  message->msg_controllen = control.size();
  message->msg_flags = (choice & 2u) != 0 ? MSG_TRUNC | MSG_CTRUNC : 0;
  return static_cast<ssize_t>(length);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<LoopCounters> counters = LoopCounters::create();
  static const std::unique_ptr<UdpReceiver> receiver = UdpReceiver::create(counters.get());
  Input input(data, size);
  kernel = &input;
  lastEnd = nullptr;
  receiver->clear();
  for (uint32_t reads = 0; receiver->hasRoom() && reads < 256; ++reads) {
    Received received{};
    if (receiver->receive(0, &received) != UdpReceiver::Outcome::received) break;
    require(received.from.ipSize == 0 || received.from.ipSize == 4 || received.from.ipSize == 16);
    require(received.localAddress.ipSize == 0 || received.localAddress.ipSize == 4 || received.localAddress.ipSize == 16);
    require(received.length <= 65536);
    pqtun::GroDatagrams datagrams(received.bytes, received.length, received.segmentSize, received.truncated);
    uint32_t total = 0;
    for (pqtun::Datagram datagram; datagrams.next(&datagram);) {
      require(datagram.bytes == received.bytes + total);
      total += datagram.length;
      require(total <= received.length);
    }
  }
  return 0;
}
