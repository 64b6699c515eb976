#include "gro_split.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace pqtun {

namespace {

/** linux/udp.h; some C libraries lack it. */
constexpr int kUdpGro = 104;
constexpr int kLargestDatagram = 65535;

}  // namespace

uint32_t readGroSize(msghdr* message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != IPPROTO_UDP || part->cmsg_type != kUdpGro) continue;
    // The kernel writes an int. Its length is without padding, so it must not be compared with CMSG_SPACE; and where there was no
    // room for all (MSG_CTRUNC), the macros vouch for the header alone.
    int size = 0;
    const auto* end = static_cast<const uint8_t*>(message->msg_control) + message->msg_controllen;
    const auto room = static_cast<size_t>(end - CMSG_DATA(part));
    if (part->cmsg_len < CMSG_LEN(sizeof size) || room < sizeof size) return 0;
    std::memcpy(&size, CMSG_DATA(part), sizeof size);
    return size > 0 && size <= kLargestDatagram ? static_cast<uint32_t>(size) : 0;
  }
  return 0;
}

GroDatagrams::GroDatagrams(uint8_t* bytes, uint32_t length, uint32_t segmentSize, bool truncated)
    : bytes_(bytes),
      left_(length),
      segmentSize_(segmentSize > 0 ? segmentSize : length),
      cut_(truncated),
      empty_(length == 0 && !truncated) {
  if (!truncated) return;
  left_ = segmentSize > 0 ? length - length % segmentSize : 0;
}

bool GroDatagrams::next(Datagram* datagram) {
  if (left_ == 0 && !empty_) return false;
  empty_ = false;
  const uint32_t length = std::min(left_, segmentSize_);
  *datagram = {bytes_, length};
  bytes_ += length;
  left_ -= length;
  return true;
}

}  // namespace pqtun
