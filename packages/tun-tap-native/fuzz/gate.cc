// The gate, its settings and what reads a datagram's form. Input: settings or their making, then datagrams with a place and a time each.
// sources: native/plane/gate.cc native/plane/gate_settings.cc native/plane/handshake_form.cc native/plane/source_limiter.cc
// sources: native/plane/blake2s_mac.cc native/plane/xchacha.cc
// link: -l:libcrypto.so.3
// runs: 40000
#include "../native/plane/gate.h"

#include <cmath>
#include <memory>
#include <vector>

#include "../native/plane/blake2s_mac.h"
#include "../native/plane/little_endian.h"
#include "input.h"

namespace {

using pqtun::Drop;
using pqtun::GateDecision;

/** Well-formed settings with `indices` expected, all keys and secrets of one byte each. */
std::vector<uint8_t> settingsOf(double since, uint8_t flags, uint8_t indices, double underLoadUntil) {
  const uint8_t keys[2] = {static_cast<uint8_t>(flags >> 2 & 3), static_cast<uint8_t>(flags >> 4 & 1)};
  std::vector<uint8_t> bytes(24 + 96 + size_t{68} * (1 + keys[0] + keys[1]) + size_t{4} * indices, 5);
  std::memcpy(bytes.data(), &since, 8);
  std::memcpy(bytes.data() + 8, &underLoadUntil, 8);
  pqtun::writeLe32(bytes.data() + 16, indices);
  bytes[20] = flags & 1;
  bytes[21] = flags >> 1 & 1;
  bytes[22] = keys[0];
  bytes[23] = keys[1];
  for (size_t i = 0; i < indices; i++) pqtun::writeLe32(&bytes[bytes.size() - 4 * (i + 1)], static_cast<uint32_t>(i));
  return bytes;
}

bool ends(const GateDecision& decision) {
  return decision.kind == GateDecision::Kind::dropped || decision.kind == GateDecision::Kind::answered;
}

/** What holds of every decision. */
void check(const GateDecision& decision, const std::vector<uint8_t>& datagram, const uint8_t* reply) {
  require(ends(decision) == (decision.reason != Drop::none));
  if (decision.kind == GateDecision::Kind::passed) require(datagram[0] == 0x11 || datagram[0] == 0x01);
  if (decision.kind != GateDecision::Kind::answered) return;
  // protocol.md §6: fewer bytes than came, to fragment 0 alone, about the index that asked.
  require(datagram.size() > pqtun::kCookieReplySize && (datagram[0] == 0x01 || datagram[2] == 0));
  require(reply[0] == 3 && std::memcmp(reply + 4, datagram.data() + 4, 4) == 0);
  require(decision.reason == Drop::rateLimited || decision.reason == Drop::underLoad);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<pqtun::Blake2sMac> mac = pqtun::Blake2sMac::create();
  // One gate for all: the table of sources is large. It is told anew each time, and its sources are others with each input.
  static const std::unique_ptr<pqtun::Gate> gate = pqtun::Gate::create({1, 2});
  static double now = 0;
  Input input(data, size);

  const auto way = input.take<uint8_t>();
  auto settings = std::make_unique<pqtun::GateSettings>();
  if (way % 4 == 0) {
    const std::vector<uint8_t> bytes = input.bytes(input.take<uint16_t>());
    if (!settings->read(bytes.data(), bytes.size())) settings = nullptr;
  } else {
    const std::vector<uint8_t> bytes = settingsOf(now, input.take<uint8_t>(), way / 4, way % 4 == 1 ? HUGE_VAL : 0);
    require(settings->read(bytes.data(), bytes.size()));
    for (size_t length = 0; length < bytes.size(); length += 13) {
      pqtun::GateSettings cut;
      require(!cut.read(bytes.data(), length));
    }
  }
  if (settings != nullptr) gate->set(std::move(settings));

  while (input.left() > 0) {
    now += input.take<uint8_t>();
    pqtun::Endpoint from = {{}, static_cast<uint8_t>(input.take<uint8_t>() % 2 == 0 ? 4 : 16), input.take<uint16_t>(), 0};
    from.ip[0] = static_cast<uint8_t>(from.port);
    std::vector<uint8_t> datagram = input.bytes(input.take<uint16_t>() % 1500);
    // Whoever knows us: mac1 right under keys of fives, the body as the fuzzer likes.
    if (way % 4 == 3 && datagram.size() >= 40) {
      const std::vector<uint8_t> key(32, 5);
      mac->setKey(key.data(), key.size());
      mac->compute(datagram.data(), datagram.size() - 32, &datagram[datagram.size() - 32]);
    }
    const std::vector<uint8_t> before = datagram;
    std::vector<uint8_t> reply(pqtun::kCookieReplySize);
    check(gate->decide(now, from, datagram.data(), datagram.size(), reply.data()), datagram, reply.data());
    require(datagram == before);
    pqtun::HandshakeForm form;
    const Drop drop = pqtun::readForm(datagram.data(), datagram.size(), &form);
    require(drop != Drop::none || (form.suite <= 2 && form.index < 7));
  }
  return 0;
}
