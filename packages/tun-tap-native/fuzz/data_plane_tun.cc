// A whole plane under frames from the TUN, ill-formed and well-formed, super-frames too. What leaves is as data_plane.h says.
// sources: native/plane/data_plane.cc native/plane/sending.cc native/plane/receiving.cc native/plane/plane_state.cc
// sources: native/plane/keypairs.cc native/plane/session_table.cc native/plane/remote.cc native/plane/staging.cc
// sources: native/plane/reports.cc native/plane/report_layout.cc native/plane/trains.cc native/plane/live_places.cc
// sources: native/plane/fingerprint.cc native/plane/message_queue.cc native/plane/gate.cc native/plane/gate_settings.cc
// sources: native/plane/handshake_form.cc native/plane/source_limiter.cc native/plane/blake2s_mac.cc native/plane/xchacha.cc
// sources: native/plane/aead_evp.cc native/plane/allowed_ips.cc native/plane/prefix_table.cc native/plane/replay_window.cc
// sources: native/plane/coalesce.cc native/plane/gso_split.cc native/plane/gro_split.cc native/plane/virtio_header.cc
// sources: native/plane/inner_packet.cc native/plane/checksum.cc native/plane/mss_clamp.cc native/plane/icmp_too_big.cc
// link: -l:libcrypto.so.3
// runs: 20000
//
// Input: frames, each three bytes for what is put right and for its length, then bytes.
#include "data_plane.h"

#include "../native/plane/big_endian.h"
#include "../native/plane/tcp_udp.h"

namespace {

/** Makes of the bytes a packet to some peer, with a header that may be taken as a super-frame's. */
void putRight(uint8_t how, uint8_t peer, std::vector<uint8_t>* frame) {
  const bool tcp = (how & 1) != 0;
  const uint32_t headers = pqtun::kIpv4HeaderSize + (tcp ? pqtun::kTcpHeaderSize : pqtun::kUdpHeaderSize);
  if (frame->size() < pqtun::kVirtioHeaderSize + headers) return;
  uint8_t* packet = frame->data() + pqtun::kVirtioHeaderSize;
  packet[0] = 0x45;
  pqtun::writeU16be(packet + 2, static_cast<uint16_t>(frame->size() - pqtun::kVirtioHeaderSize));
  std::memset(packet + 6, 0, 2);
  packet[9] = tcp ? pqtun::kProtocolTcp : pqtun::kProtocolUdp;
  packet[16] = 10;
  packet[17] = peer;
  if (tcp) packet[pqtun::kIpv4HeaderSize + pqtun::kTcpDataOffset] = 0x50;
  pqtun::VirtioHeader header = pqtun::plainHeader();
  if ((how & 2) != 0) {
    const auto segment = static_cast<uint16_t>(1 + (how >> 3) * 8);
    header = pqtun::superHeader(tcp ? pqtun::FrameKind::tcp : pqtun::FrameKind::udp, 4, pqtun::kIpv4HeaderSize, headers, segment, false);
  }
  std::memcpy(frame->data(), &header, sizeof header);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static LivePlane& live = *new LivePlane();
  live.renew();
  Input input(data, size);
  while (input.left() > 0) {
    const auto what = input.take<uint8_t>();
    const auto how = input.take<uint8_t>();
    const auto peer = static_cast<uint8_t>(1 + what % (kPeers + 1));
    std::vector<uint8_t> frame = input.bytes(input.take<uint16_t>() % 2048);
    if ((what & 16) != 0) putRight(how, peer, &frame);
    live.plane().handleTun(live.now, frame.data(), static_cast<uint32_t>(frame.size()));
    if ((what & 32) != 0) live.plane().flush(live.now);
    if ((what & 64) != 0) {
      pqtun::PeerSettings settings = {};
      settings.pathMtu = 33 + how * 8;
      live.plane().setPeer(peer <= kPeers ? peer : 1, settings);
    }
    if ((what & 128) != 0) live.now += how * 100.0;
  }
  live.plane().flush(live.now);
  return 0;
}
