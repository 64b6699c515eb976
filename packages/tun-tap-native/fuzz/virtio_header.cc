// One read from a TUN, whatever a kernel or a guest behind it may hand over.
// sources: native/plane/virtio_header.cc native/plane/inner_packet.cc native/plane/checksum.cc
// runs: 1000000
#include "plane/virtio_header.h"

#include "input.h"
#include "plane/inner_packet.h"

using namespace pqtun;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  TunFrame frame;
  if (parseFrame(bytes.data(), bytes.size(), &frame) != FrameRefusal::none) return 0;
  uint8_t* packet = bytes.data() + kVirtioHeaderSize;
  require(kVirtioHeaderSize + frame.length <= bytes.size());
  require(frame.version == versionOf(packet));
  require(innerLength(packet, bytes.size() - kVirtioHeaderSize) == static_cast<int64_t>(frame.length));
  if (frame.kind != FrameKind::plain) {
    require(frame.segmentSize > 0 && frame.transportOffset < frame.headersLength);
    require(frame.headersLength <= frame.length && frame.headersLength <= kLargestHeaders);
    return 0;
  }
  if (!frame.needsChecksum) return 0;
  completeChecksum(frame, packet);
  // The IP header is what it was, so all that was checked still holds.
  TunFrame again;
  require(parseFrame(bytes.data(), bytes.size(), &again) == FrameRefusal::none && again.length == frame.length);
  return 0;
}
