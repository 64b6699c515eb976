// A plane without a shell: packets by hand, and a recorder where the shell would send and write.
#include <time.h>

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "../plane/data_plane.h"
#include "../plane/drop.h"
#include "../plane/gso_split.h"
#include "../plane/little_endian.h"
#include "../plane/place_layout.h"
#include "../plane/report_layout.h"
#include "../plane/reports.h"
#include "../plane/virtio_header.h"
#include "../plane_verbs.h"
#include "packets.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f10ULL};

/** Does as the engine it stands before, and counts the ciphers that live. */
class CountingEngine final : public AeadEngine {
 public:
  explicit CountingEngine(const AeadEngine& real) : real_(real) {}
  const char* name() const override { return real_.name(); }
  std::unique_ptr<RecordCipher> makeCipher(const uint8_t* key) const override {
    return std::make_unique<Counted>(real_.makeCipher(key), &live_, &failing_);
  }
  uint32_t live() const { return live_; }
  /** From now on so many records are not sealed, as when libcrypto fails by itself. */
  void failSeals(uint32_t count) { failing_ = count; }

 private:
  class Counted final : public RecordCipher {
   public:
    Counted(std::unique_ptr<RecordCipher> real, uint32_t* live, uint32_t* failing)
        : real_(std::move(real)), live_(live), failing_(failing) {
      ++*live_;
    }
    ~Counted() override { --*live_; }
    size_t seal(Record* records, size_t count) override {
      size_t good = real_->seal(records, count);
      for (size_t i = 0; i < count && *failing_ > 0; i++, --*failing_, good--) records[i].ok = false;
      return good;
    }
    size_t open(Record* records, size_t count) override { return real_->open(records, count); }

   private:
    std::unique_ptr<RecordCipher> real_;
    uint32_t* live_;
    uint32_t* failing_;
  };

  const AeadEngine& real_;
  mutable uint32_t live_ = 0;
  mutable uint32_t failing_ = 0;
};

struct Output {
  enum class Kind { train, datagram, frame };

  Kind kind;
  Endpoint to;
  LocalAddress from;
  std::vector<uint8_t> bytes;
  uint32_t segmentSize;
  /** Of a frame: whose source address it bears. */
  PeerId peer;
};

class Recorder final : public PlaneSink {
 public:
  void sendTrain(const Train& train) override {
    trains++;
    records += train.count;
    if (!recording) return;
    outputs.push_back({Output::Kind::train, train.to, train.from, {train.bytes, train.bytes + train.length}, train.segmentSize, 0});
  }
  void sendDatagram(const Endpoint& to, const LocalAddress& from, const uint8_t* bytes, uint32_t length) override {
    if (recording) outputs.push_back({Output::Kind::datagram, to, from, {bytes, bytes + length}, length, 0});
  }
  bool writeTun(const iovec* pieces, uint32_t count) override {
    if (count > 1 && refusing) return false;
    frames++;
    if (!recording) return true;
    Output output = {Output::Kind::frame, {}, {}, {}, 0, 0};
    for (uint32_t i = 0; i < count; i++) {
      const auto* bytes = static_cast<const uint8_t*>(pieces[i].iov_base);
      output.bytes.insert(output.bytes.end(), bytes, bytes + pieces[i].iov_len);
    }
    plane->ownerOf(output.bytes.data() + kVirtioHeaderSize, &output.peer);
    outputs.push_back(std::move(output));
    return true;
  }

  const DataPlane* plane = nullptr;
  bool recording = true;
  /** Takes no super-frame. */
  bool refusing = false;
  uint64_t trains = 0;
  uint64_t records = 0;
  uint64_t frames = 0;
  std::vector<Output> outputs;
};

struct Owner {
  Owner(const AeadEngine& real, PlaneOptions options) : engine(real) {
    options.aead = &engine;
    plane = std::make_unique<DataPlane>(options, &recorder);
    recorder.plane = plane.get();
  }

  bool withPlane(const std::function<void(DataPlane&)>& act) {
    if (plane == nullptr) return false;
    act(*plane);
    return true;
  }
  void close() { plane.reset(); }
  void flush(double now) {
    plane->flush(now);
    held.clear();
  }

  CountingEngine engine;
  Recorder recorder;
  /** Datagrams that are the plane's until flush(). */
  std::deque<Exact> held;
  std::unique_ptr<DataPlane> plane;
};

std::shared_ptr<Owner> ownerAt(Arguments* arguments, size_t position) {
  auto owner = arguments->handle<Owner>(position, kTag);
  if (arguments->ok() && owner->plane == nullptr) arguments->refuse("plane", "an open one");
  return owner;
}

/** create(engine, mtu, clampMss, coalesce, trains) → plane */
napi_value create(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const AeadOffer offer = selectAead(arguments.string(0, "engine"));
  PlaneOptions options = {};
  options.mtu = static_cast<uint32_t>(arguments.integer(1, "mtu", 68, 65535));
  options.clampMss = arguments.boolean(2, "clampMss");
  options.coalesceTcp = options.coalesceUdp = arguments.boolean(3, "coalesce");
  options.trains = arguments.boolean(4, "trains");
  options.hashKey = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  if (arguments.ok() && offer.engine == nullptr) arguments.refuse("engine", "one that is there");
  if (!arguments.ok()) return nullptr;
  return tuntap::wrapHandle(env, std::make_shared<Owner>(*offer.engine, options), kTag);
}

napi_value close(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = arguments.handle<Owner>(0, kTag);
  if (arguments.ok()) owner->close();
  return nullptr;
}

/** handlePacket(plane, now, packet, flush): behind a virtio header that says nothing */
napi_value handlePacket(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  const double now = arguments.number(1, "now");
  const Bytes packet = arguments.bytes(2, "packet");
  const bool flushes = arguments.boolean(3, "flush");
  if (!arguments.ok()) return nullptr;
  std::vector<uint8_t> bytes(kVirtioHeaderSize + packet.length);
  if (packet.length > 0) std::memcpy(bytes.data() + kVirtioHeaderSize, packet.data, packet.length);
  const Exact frame(bytes.data(), bytes.size());
  owner->plane->handleTun(now, frame.data(), frame.length());
  if (flushes) owner->flush(now);
  return nullptr;
}

/** handleFrame(plane, now, frame, flush): as read from a TUN */
napi_value handleFrame(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  const double now = arguments.number(1, "now");
  const Exact frame(arguments.bytes(2, "frame"));
  const bool flushes = arguments.boolean(3, "flush");
  if (!arguments.ok()) return nullptr;
  owner->plane->handleTun(now, frame.data(), frame.length());
  if (flushes) owner->flush(now);
  return nullptr;
}

/** handleUdp(plane, now, place: 48 B, bytes, segmentSize, truncated, flush) */
napi_value handleUdp(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  const double now = arguments.number(1, "now");
  const Bytes place = arguments.bytes(2, "place");
  const Bytes bytes = arguments.bytes(3, "bytes");
  const auto segmentSize = static_cast<uint32_t>(arguments.integer(4, "segmentSize", 0, 65535));
  const bool truncated = arguments.boolean(5, "truncated");
  const bool flushes = arguments.boolean(6, "flush");
  if (arguments.ok() && place.length != kPlaceSize) arguments.refuse("place", "48 bytes");
  if (!arguments.ok()) return nullptr;
  Endpoint from;
  LocalAddress local;
  readPlace(place.data, &from, &local);
  owner->held.emplace_back(bytes);
  const Exact& memory = owner->held.back();
  owner->plane->handleUdp(now, from, local, memory.data(), memory.length(), segmentSize, truncated);
  if (flushes) owner->flush(now);
  return nullptr;
}

napi_value flush(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  const double now = arguments.number(1, "now");
  if (arguments.ok()) owner->flush(now);
  return nullptr;
}

std::vector<std::vector<uint8_t>> cutTrain(const Output& train) {
  std::vector<std::vector<uint8_t>> datagrams;
  for (size_t at = 0; at < train.bytes.size(); at += train.segmentSize) {
    const size_t end = std::min(train.bytes.size(), at + train.segmentSize);
    datagrams.emplace_back(train.bytes.begin() + static_cast<ptrdiff_t>(at), train.bytes.begin() + static_cast<ptrdiff_t>(end));
  }
  return datagrams;
}

/** The packets of a frame, as whoever reads the TUN gets them; an ill-formed frame is none. */
std::vector<std::vector<uint8_t>> cutFrame(const Output& output) {
  TunFrame frame;
  std::vector<std::vector<uint8_t>> packets;
  if (parseFrame(output.bytes.data(), output.bytes.size(), &frame) != FrameRefusal::none) return packets;
  const uint8_t* packet = output.bytes.data() + kVirtioHeaderSize;
  if (frame.kind == FrameKind::plain) {
    packets.emplace_back(packet, packet + frame.length);
    return packets;
  }
  GsoSplitter splitter;
  splitter.start(frame, packet);
  while (!splitter.done()) {
    packets.emplace_back(splitter.nextLength());
    splitter.nextInto(packets.back().data());
  }
  return packets;
}

/** drain(plane) → of each output since the last call, in order: [place of 48 B, or the peer of a frame, its datagrams or packets] */
napi_value drain(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  napi_value all = nullptr;
  if (!arguments.ok() || napi_create_array(env, &all) != napi_ok) return nullptr;
  uint32_t i = 0;
  for (const Output& output : owner->recorder.outputs) {
    napi_value pair = nullptr;
    napi_create_array_with_length(env, 2, &pair);
    uint8_t place[kPlaceSize];
    writePlace(place, output.to, output.from);
    const bool isFrame = output.kind == Output::Kind::frame;
    napi_set_element(env, pair, 0, isFrame ? tuntap::makeNumber(env, output.peer) : makeCopy(env, place, sizeof place));
    const auto datagram = [&] { return std::vector<std::vector<uint8_t>>{output.bytes}; };
    napi_set_element(env, pair, 1, makePackets(env, isFrame                                ? cutFrame(output)
                                                    : output.kind == Output::Kind::datagram ? datagram()
                                                                                            : cutTrain(output)));
    napi_set_element(env, all, i++, pair);
  }
  owner->recorder.outputs.clear();
  return all;
}

/** counts(plane) → [trains, records, frames, live keys, whether reports are pending, and urgent] */
napi_value counts(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  if (!arguments.ok()) return nullptr;
  const Recorder& recorder = owner->recorder;
  return makeNumbers(env, {double(recorder.trains), double(recorder.records), double(recorder.frames),
                           double(owner->engine.live()), double(owner->plane->reports().pending()),
                           double(owner->plane->reports().urgent())});
}

/** total(plane, reason: as a number) → drops since the plane was made */
napi_value total(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  const int64_t reason = arguments.integer(1, "reason", 0, kDropReasons - 1);
  if (!arguments.ok()) return nullptr;
  return tuntap::makeNumber(env, static_cast<double>(owner->plane->reports().total(static_cast<Drop>(reason))));
}

/** allow(plane, coalesce, trains, refuseSuperFrames): what the shell may find out while it runs */
napi_value allow(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  const bool coalesce = arguments.boolean(1, "coalesce");
  const bool trains = arguments.boolean(2, "trains");
  const bool refuse = arguments.boolean(3, "refuseSuperFrames");
  if (!arguments.ok()) return nullptr;
  owner->plane->allowCoalescing(coalesce, coalesce);
  owner->plane->allowTrains(trains);
  owner->recorder.refusing = refuse;
  return nullptr;
}

napi_value failSeals(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  const auto count = static_cast<uint32_t>(arguments.integer(1, "count", 0, UINT32_MAX));
  if (arguments.ok()) owner->engine.failSeals(count);
  return nullptr;
}

napi_value fingerprint(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  return arguments.ok() ? tuntap::makeString(env, owner->plane->fingerprint().c_str()) : nullptr;
}

napi_value advanceSendCounter(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto owner = ownerAt(&arguments, 0);
  const auto index = static_cast<SessionIndex>(arguments.integer(1, "index", 0, UINT32_MAX));
  const int64_t next = arguments.integer(2, "next", 0, int64_t{1} << 53);
  if (arguments.ok()) owner->plane->advanceSendCounter(index, static_cast<uint64_t>(next));
  return nullptr;
}

/** layout() → the sizes of report_layout.h, and how many reasons to drop there are */
napi_value layout(napi_env env, napi_callback_info) {
  using namespace report_layout;
  return makeNumbers(env, {kHeaderSize, kDropSize, kActivitySize, double(kPlaceSize), double(kConfirmationSize), kRetiredSize,
                           double(kMessageSize), double(kDropReasons)});
}

double nanoseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/**
 * bench(from, to, now, frames, perTurn, receiveSingly) → [ns of `from` sending, ns of `to` receiving]: `from` reads each of the frames
 * (an Array), `perTurn` a turn, and what it sends is received by `to`, in trains, or by receiveSingly in single datagrams.
 */
napi_value bench(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto from = ownerAt(&arguments, 0);
  const auto to = ownerAt(&arguments, 1);
  const double now = arguments.number(2, "now");
  uint32_t count = 0;
  const napi_value frames = arguments.array(3, "frames", &count);
  const auto perTurn = static_cast<uint32_t>(arguments.integer(4, "perTurn", 1, 1 << 20));
  const bool singly = arguments.boolean(5, "receiveSingly");
  if (!arguments.ok()) return nullptr;
  std::vector<Exact> memory;
  for (uint32_t i = 0; i < count; i++) {
    napi_value element = nullptr;
    Bytes bytes;
    if (napi_get_element(env, frames, i, &element) != napi_ok || !tuntap::readBytes(env, element, &bytes)) return nullptr;
    memory.emplace_back(bytes);
  }
  to->recorder.recording = false;
  double sending = 0;
  double receiving = 0;
  for (uint32_t i = 0; i < count; i += perTurn) {
    const double begin = nanoseconds();
    from->recorder.recording = false;
    // What leaves is recorded at the flush alone would miss trains that fill up before, so a turn is sent twice: once to be measured, once
    // to be received.
    for (uint32_t k = i; k < std::min(count, i + perTurn); k++) from->plane->handleTun(now, memory[k].data(), memory[k].length());
    from->plane->flush(now);
    sending += nanoseconds() - begin;
    from->recorder.recording = true;
    for (uint32_t k = i; k < std::min(count, i + perTurn); k++) from->plane->handleTun(now, memory[k].data(), memory[k].length());
    from->plane->flush(now);
    const double middle = nanoseconds();
    for (Output& output : from->recorder.outputs) {
      const auto length = static_cast<uint32_t>(output.bytes.size());
      const uint32_t step = singly ? output.segmentSize : length;
      for (uint32_t at = 0; at < length; at += step) {
        to->plane->handleUdp(now, output.to, output.from, output.bytes.data() + at, std::min(step, length - at),
                             singly ? 0 : output.segmentSize, false);
      }
    }
    to->plane->flush(now);
    receiving += nanoseconds() - middle;
    from->recorder.outputs.clear();
  }
  return makeNumbers(env, {sending, receiving});
}

}  // namespace

void addDataPlane(napi_env env, napi_value exports) {
  addEdge(env, exports, "dataPlane",
          {{"create", create},
           {"close", close},
           {"handlePacket", handlePacket},
           {"handleFrame", handleFrame},
           {"handleUdp", handleUdp},
           {"flush", flush},
           {"drain", drain},
           {"counts", counts},
           {"total", total},
           {"allow", allow},
           {"failSeals", failSeals},
           {"fingerprint", fingerprint},
           {"advanceSendCounter", advanceSendCounter},
           {"layout", layout},
           {"bench", bench}});
  napi_value object = nullptr;
  if (napi_get_named_property(env, exports, "dataPlane", &object) != napi_ok) return;
  tuntap::addPlaneVerbs<Owner, &kTag>(env, object);
}

}  // namespace pqtun::testing
