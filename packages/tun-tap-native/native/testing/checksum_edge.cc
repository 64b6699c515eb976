#include "../plane/checksum.h"

#include "packets.h"

namespace pqtun::testing {
namespace {

/** sum(bytes, plain): the folded sum, as a number in network order; `plain` without the processor's widest registers */
napi_value sum(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact bytes(arguments.bytes(0, "bytes"));
  const bool plain = arguments.boolean(1, "plain");
  if (!arguments.ok()) return nullptr;
  const uint64_t sum = (plain ? sumBytesPlain : sumBytes)(bytes.data(), bytes.length());
  return tuntap::makeNumber(env, ntohs(foldSum(sum)));
}

/** copyAndSum(to, from, plain): the same of `from`, which is copied to `to` */
napi_value copyAndSumOf(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Bytes to = arguments.bytes(0, "to");
  const Exact from(arguments.bytes(1, "from"));
  const bool plain = arguments.boolean(2, "plain");
  if (arguments.ok() && to.length != from.length()) arguments.refuse("to", "as long as from");
  if (!arguments.ok()) return nullptr;
  const Exact copy(to);
  const uint64_t sum = (plain ? copyAndSumPlain : copyAndSum)(copy.data(), from.data(), from.length());
  if (to.length > 0) std::memcpy(to.data, copy.data(), to.length);
  return tuntap::makeNumber(env, ntohs(foldSum(sum)));
}

/** pseudoHeader(addresses, protocol, length): the folded sum */
napi_value pseudoHeader(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact addresses(arguments.bytes(0, "addresses"));
  const auto protocol = static_cast<uint8_t>(arguments.integer(1, "protocol", 0, 255));
  const auto length = static_cast<uint32_t>(arguments.integer(2, "length", 0, UINT32_MAX));
  if (!arguments.ok()) return nullptr;
  return tuntap::makeNumber(env, ntohs(foldSum(pseudoHeaderSum(addresses.data(), addresses.length(), protocol, length))));
}

/** updated(checksum, before, after, odd) in network order */
napi_value updated(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  uint16_t words[3];
  for (size_t i = 0; i < 3; i++) words[i] = htons(static_cast<uint16_t>(arguments.integer(i, "word", 0, 65535)));
  const bool odd = arguments.boolean(3, "odd");
  if (!arguments.ok()) return nullptr;
  return tuntap::makeNumber(env, ntohs(updatedChecksum(words[0], words[1], words[2], odd)));
}

}  // namespace

void addChecksum(napi_env env, napi_value exports) {
  addEdge(env, exports, "checksum",
          {{"sum", sum}, {"copyAndSum", copyAndSumOf}, {"pseudoHeader", pseudoHeader}, {"updated", updated}});
}

}  // namespace pqtun::testing
