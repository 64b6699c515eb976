#include "../plane/coalesce.h"

#include "packets.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x8c2ab54710f94d3eULL, 0xa7e51c60d9f3b82bULL};

/** create(capacity) */
napi_value create(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto capacity = static_cast<uint32_t>(arguments.integer(0, "capacity", 1, 65536));
  if (!arguments.ok()) return nullptr;
  return hold(env, std::shared_ptr<Held<Coalescer>>(new Held<Coalescer>{Coalescer(capacity)}), kTag);
}

void appendNumber(std::vector<uint8_t>* out, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<uint8_t>(number >> shift));
}

/**
 * run(coalescer, packets, allowed, separated): one batch. `packets` are 4 B of length and the packet, one after another; `allowed` has
 * 1 for TCP and 2 for UDP. Returns 4 B of length, 4 B of how many packets are in it, and the frame, one after another; with
 * `separated` the frames are first made and then undone, and each packet comes as a frame. The first 4 B are how many packets
 * were taken.
 */
napi_value run(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<Held<Coalescer>>(0, kTag);
  const Bytes packed = arguments.bytes(1, "packets");
  const int64_t allowed = arguments.integer(2, "allowed", 0, 3);
  const bool separated = arguments.boolean(3, "separated");
  if (!arguments.ok()) return nullptr;
  Coalescer& coalescer = held->value;
  coalescer.allow((allowed & 1) != 0, (allowed & 2) != 0);

  std::vector<Exact> packets;
  std::vector<uint8_t> headroom(kVirtioHeaderSize, 0xaa);
  uint32_t taken = 0;
  for (size_t at = 0; at + 4 <= packed.length;) {
    const uint8_t* size = packed.data + at;
    const size_t length = size_t{size[0]} << 24 | size_t{size[1]} << 16 | size_t{size[2]} << 8 | size[3];
    at += 4;
    if (length > packed.length - at) break;
    std::vector<uint8_t> whole(headroom);
    whole.insert(whole.end(), packed.data + at, packed.data + at + length);
    packets.emplace_back(whole.data(), whole.size());
    at += length;
    if (!coalescer.add(packets.back().data() + kVirtioHeaderSize, static_cast<uint32_t>(length))) break;
    ++taken;
  }

  std::vector<uint8_t> out;
  appendNumber(&out, taken);
  std::vector<iovec> vectors(Coalescer::kMostVectors);
  const auto append = [&out](const iovec* first, uint32_t count, uint32_t packetCount) {
    uint32_t length = 0;
    for (uint32_t i = 0; i < count; ++i) length += static_cast<uint32_t>(first[i].iov_len);
    appendNumber(&out, length);
    appendNumber(&out, packetCount);
    for (uint32_t i = 0; i < count; ++i) {
      const auto* bytes = static_cast<const uint8_t*>(first[i].iov_base);
      out.insert(out.end(), bytes, bytes + first[i].iov_len);
    }
  };
  for (uint32_t i = 0; i < coalescer.frameCount(); ++i) {
    const uint32_t count = coalescer.frame(i, vectors.data());
    if (!separated) {
      append(vectors.data(), count, coalescer.packetCount(i));
      continue;
    }
    const uint32_t alone = coalescer.separate(i, vectors.data());
    for (uint32_t k = 0; k < alone; ++k) append(&vectors[k], 1, 1);
  }
  coalescer.clear();
  return makeCopy(env, out.data(), out.size());
}

}  // namespace

void addCoalesce(napi_env env, napi_value exports) {
  addEdge(env, exports, "coalesce", {{"create", create}, {"run", run}});
}

}  // namespace pqtun::testing
