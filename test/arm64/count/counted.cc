// What is counted, as an addon for an emulated Node, whose libcrypto it uses as the shipped addon does: single engines, and the
// whole plane between TUN and socket, whose place is taken by nothing. Linked from the objects of the shipped addon. Each function
// marks its begin and its end, so that nothing of JavaScript is counted.
#include <node_api.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../../../packages/tun-tap-native/native/plane/aead.h"
#include "../../../packages/tun-tap-native/native/plane/data_plane.h"
#include "../../../packages/tun-tap-native/native/plane/report_layout.h"
#include "mark.h"

namespace {

using pqtun::DataPlane;

void mark() { ::getpriority(PRIO_PROCESS, MARK); }

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "counted: %s\n", why);
  std::abort();
}

/** Takes two instructions a turn on both architectures: what the counter must find. */
void twoInstructions(uint64_t turns) {
  mark();
#if defined(__x86_64__)
  __asm__ volatile("1: dec %0\n jnz 1b" : "+r"(turns) : : "cc");
#else
  __asm__ volatile("1: subs %0, %0, #1\n b.ne 1b" : "+r"(turns) : : "cc");
#endif
  mark();
}

/** Seals `calls` batches of `batch` records of `length` B, and opens them if told to. */
void records(const std::string& engine, uint32_t length, uint32_t batch, uint32_t calls, bool opens) {
  const pqtun::AeadOffer offer = pqtun::selectAead(engine);
  if (offer.engine == nullptr) fail(offer.reason.c_str());
  const std::vector<uint8_t> key(pqtun::kKeySize, 7);
  const auto cipher = offer.engine->makeCipher(key.data());
  const size_t stride = length + pqtun::kTagSize + 16;
  std::vector<uint8_t> memory(batch * stride);
  std::vector<pqtun::Record> all(batch);
  uint64_t counter = 0;
  mark();
  for (uint32_t call = 0; call < calls; call++) {
    for (uint32_t i = 0; i < batch; i++) all[i] = {&memory[i * stride + 16], length, counter++, false};
    if (cipher->seal(all.data(), batch) != batch) fail("a record was not sealed");
    if (opens && cipher->open(all.data(), batch) != batch) fail("a record did not open");
  }
  mark();
}

/** Takes what leaves a plane: nothing, or hands trains to another plane as one read with UDP_GRO, or their datagrams one by one. */
class Sink final : public pqtun::PlaneSink {
 public:
  void sendTrain(const pqtun::Train& train) override {
    datagrams += train.count;
    if (to == nullptr) return;
    // The far plane decrypts in place; the memory is the near one's, which has finished with it for this call.
    auto* bytes = const_cast<uint8_t*>(train.bytes);
    const uint32_t step = singly ? train.segmentSize : train.length;
    for (uint32_t at = 0; at < train.length; at += step) {
      const uint32_t length = std::min(step, train.length - at);
      to->handleUdp(now, train.to, train.from, bytes + at, length, singly ? 0 : train.segmentSize, false);
    }
    to->flush(now);
  }
  void sendDatagram(const pqtun::Endpoint&, const pqtun::LocalAddress&, const uint8_t*, uint32_t) override {}
  bool writeTun(const iovec* pieces, uint32_t count) override {
    for (uint32_t i = 0; i < count; i++) written += pieces[i].iov_len;
    return true;
  }

  DataPlane* to = nullptr;
  bool singly = false;
  double now = 0;
  uint64_t datagrams = 0;
  uint64_t written = 0;
};

pqtun::Endpoint placeOf(uint8_t n) { return {{192, 0, 2, n}, 4, 51820, 0}; }

/** A plane with one peer, a session and a route for everything. */
void open(DataPlane* plane, uint32_t index, uint32_t remoteIndex, uint8_t sendKey, uint8_t receiveKey, pqtun::Role role) {
  pqtun::PeerSettings settings = {};
  settings.setsEndpoint = true;
  settings.endpoint = placeOf(static_cast<uint8_t>(remoteIndex));
  plane->setPeer(1, settings);
  const DataPlane::PeerRoute route = {pqtun::RouteChange::Kind::kAdd, 1, 4, 0, {}};
  if (!plane->setRoutes(&route, 1)) fail("a route was refused");
  const std::vector<uint8_t> out(pqtun::kKeySize, sendKey);
  const std::vector<uint8_t> in(pqtun::kKeySize, receiveKey);
  pqtun::SessionInstall session = {};
  session.peer = 1;
  session.role = role;
  session.localIndex = index;
  session.remoteIndex = remoteIndex;
  session.sendKey = out.data();
  session.receiveKey = in.data();
  session.limits = {1e12, 2e12, 1.5e12, uint64_t{1} << 50, uint64_t{1} << 51};
  session.kind = pqtun::SessionKind::hybrid;
  plane->install(0, session);
}

/**
 * `calls` turns of the sending plane, each over these frames (a virtio header and a packet each) and a flush; with `receives` another
 * plane takes what leaves. How many datagrams left.
 */
uint64_t planes(const std::string& engine, std::vector<std::vector<uint8_t>> frames, uint32_t calls, bool receives, bool singly) {
  const pqtun::AeadOffer offer = pqtun::selectAead(engine);
  if (offer.engine == nullptr) fail(offer.reason.c_str());
  const pqtun::PlaneOptions options = {offer.engine, 1420, {1, 2}, true, !singly, !singly, !singly};
  Sink nearSink;
  Sink farSink;
  DataPlane near(options, &nearSink);
  DataPlane far(options, &farSink);
  open(&near, 1, 2, 11, 22, pqtun::Role::initiator);
  open(&far, 2, 1, 22, 11, pqtun::Role::responder);
  nearSink.datagrams = 0;  // the initiator has confirmed its session
  nearSink.to = receives ? &far : nullptr;
  nearSink.singly = singly;
  mark();
  for (uint32_t call = 0; call < calls; call++) {
    for (auto& frame : frames) near.handleTun(0, frame.data(), static_cast<uint32_t>(frame.size()));
    near.flush(0);
    pqtun::takeReports(&near.reports(), UINT32_MAX);
    if (receives) pqtun::takeReports(&far.reports(), UINT32_MAX);
  }
  mark();
  if (receives && farSink.written < calls * frames.size() * 20) fail("not all packets came through");
  return nearSink.datagrams;
}

// --- the edge -----------------------------------------------------------------------------------------------------------

struct Arguments {
  napi_env env;
  napi_value values[6];
  Arguments(napi_env theEnv, napi_callback_info info) : env(theEnv) {
    size_t count = 6;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  std::string text(size_t i) const {
    char buffer[64] = {};
    napi_get_value_string_utf8(env, values[i], buffer, sizeof buffer, nullptr);
    return buffer;
  }
  uint32_t number(size_t i) const {
    uint32_t value = 0;
    if (napi_get_value_uint32(env, values[i], &value) != napi_ok) fail("an argument is no number");
    return value;
  }
  bool flag(size_t i) const {
    bool value = false;
    if (napi_get_value_bool(env, values[i], &value) != napi_ok) fail("an argument is no boolean");
    return value;
  }
};

/** mark() */
napi_value markPlace(napi_env, napi_callback_info) {
  mark();
  return nullptr;
}

/** twoInstructions(turns) */
napi_value countTwo(napi_env env, napi_callback_info info) {
  twoInstructions(Arguments(env, info).number(0));
  return nullptr;
}

/** records(engine, length, batch, calls, opens) */
napi_value countRecords(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  records(given.text(0), given.number(1), given.number(2), given.number(3), given.flag(4));
  return nullptr;
}

/** planes(engine, frames: Uint8Array[], calls, receives, singly) → datagrams that left */
napi_value countPlanes(napi_env env, napi_callback_info info) {
  const Arguments given(env, info);
  uint32_t count = 0;
  napi_get_array_length(env, given.values[1], &count);
  std::vector<std::vector<uint8_t>> frames;
  for (uint32_t i = 0; i < count; i++) {
    napi_value element = nullptr;
    void* data = nullptr;
    size_t length = 0;
    napi_get_element(env, given.values[1], i, &element);
    if (napi_get_typedarray_info(env, element, nullptr, &length, &data, nullptr, nullptr) != napi_ok) fail("no frame");
    const auto* bytes = static_cast<const uint8_t*>(data);
    frames.emplace_back(bytes, bytes + length);
  }
  const uint64_t datagrams = planes(given.text(0), frames, given.number(2), given.flag(3), given.flag(4));
  napi_value result = nullptr;
  napi_create_double(env, static_cast<double>(datagrams), &result);
  return result;
}

/** engineOf(name) → the name of the engine, or '' */
napi_value engineOf(napi_env env, napi_callback_info info) {
  const pqtun::AeadOffer offer = pqtun::selectAead(Arguments(env, info).text(0));
  napi_value result = nullptr;
  napi_create_string_utf8(env, offer.engine == nullptr ? "" : offer.engine->name(), NAPI_AUTO_LENGTH, &result);
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback call;
  } all[] = {{"mark", markPlace},     {"twoInstructions", countTwo}, {"records", countRecords},
             {"planes", countPlanes}, {"engineOf", engineOf}};
  for (const auto& each : all) {
    napi_value function = nullptr;
    napi_create_function(env, each.name, NAPI_AUTO_LENGTH, each.call, nullptr, &function);
    napi_set_named_property(env, exports, each.name, function);
  }
  return exports;
}
