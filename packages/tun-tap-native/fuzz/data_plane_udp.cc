// A whole plane under datagrams: hostile ones, and some that its peers have sealed rightly. What leaves is as data_plane.h says.
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
// Input: operations, a byte each for what and for whom, then what they need.
#include "data_plane.h"

#include "../native/plane/big_endian.h"

namespace {

/** Bytes as they are, or made an IPv4 packet from that peer's net, so that some of them arrive. */
std::vector<uint8_t> payloadOf(Input* input, uint32_t peer, bool packet) {
  std::vector<uint8_t> payload = input->bytes(input->take<uint8_t>());
  if (!packet || payload.size() < pqtun::kIpv4HeaderSize) return payload;
  payload[0] = 0x45;
  pqtun::writeU16be(&payload[2], static_cast<uint16_t>(payload.size()));
  payload[12] = 10;
  payload[13] = static_cast<uint8_t>(peer);
  return payload;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static LivePlane& live = *new LivePlane();
  live.renew();
  Input input(data, size);
  std::vector<std::vector<uint8_t>> held;  // the plane's until flush()
  const auto receive = [&](uint8_t from, std::vector<uint8_t> bytes, uint32_t segmentSize, bool truncated) {
    held.push_back(std::move(bytes));
    live.plane().handleUdp(live.now, LivePlane::place(from), {}, held.back().data(), static_cast<uint32_t>(held.back().size()),
                           segmentSize, truncated);
  };
  while (input.left() > 0) {
    const auto what = input.take<uint8_t>();
    const auto whom = input.take<uint8_t>();
    const uint32_t peer = 1 + whom % kPeers;
    const auto from = static_cast<uint8_t>(whom >> 4 == 0 ? peer : whom >> 4);
    switch (what % 8) {
      case 0:
        receive(from, input.bytes(input.take<uint8_t>()), 0, false);
        break;
      case 1:
      case 2:
        receive(from, live.seal(peer, input.take<uint16_t>(), payloadOf(&input, peer, what % 2 == 0)), 0, false);
        break;
      case 3: {  // a train of one packet, under one counter after the other, one bit of it flipped
        auto counter = input.take<uint16_t>();
        const std::vector<uint8_t> payload = payloadOf(&input, peer, true);
        std::vector<uint8_t> train;
        const uint32_t count = 1 + whom % 9;
        for (uint32_t i = 0; i < count; i++) {
          const auto record = live.seal(peer, counter++, payload);
          train.insert(train.end(), record.begin(), record.end());
        }
        const auto segment = static_cast<uint32_t>(train.size() / count);
        const auto bit = input.take<uint16_t>();
        if ((what & 8) != 0) train[bit / 8 % train.size()] ^= static_cast<uint8_t>(1 << bit % 8);
        if ((what & 16) != 0) train.resize(bit % train.size() + 1);
        receive(from, train, segment, (what & 32) != 0);
        break;
      }
      case 4:
        live.plane().flush(live.now);
        held.clear();
        if ((what & 8) != 0) live.take();
        break;
      case 5:
        live.now += input.take<uint16_t>() * ((what & 8) != 0 ? 10.0 : 0.01);
        break;
      case 6: {  // a packet out, so that both directions meet
        std::vector<uint8_t> frame(pqtun::kVirtioHeaderSize + pqtun::kIpv4HeaderSize);
        uint8_t* packet = &frame[pqtun::kVirtioHeaderSize];
        packet[0] = 0x45;
        packet[3] = pqtun::kIpv4HeaderSize;
        packet[16] = 10;
        packet[17] = static_cast<uint8_t>(peer);
        live.plane().handleTun(live.now, frame.data(), static_cast<uint32_t>(frame.size()));
        break;
      }
      default:
        live.sink.refusing = (what & 8) != 0;
        live.plane().allowTrains((what & 16) != 0);
        live.plane().flush(live.now);
        live.plane().allowCoalescing((what & 32) != 0, (what & 64) != 0);
        if ((what & 128) != 0) live.plane().retire(live.now, live.indexOf(peer));
        break;
    }
  }
  live.plane().flush(live.now);
  return 0;
}
