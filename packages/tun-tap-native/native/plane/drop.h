#pragma once

#include <cstddef>
#include <cstdint>

namespace pqtun {

/** Why a datagram or packet died: core's drop.ts, which says what each means, in the same order. test/repo holds it to that. */
enum class Drop : uint8_t {
  badLength,
  unknownType,
  reservedBytes,
  badGeometry,
  suiteDisabled,
  badMac1,
  classicalDisabled,
  downgradeRefused,
  rateLimited,
  provenRateLimited,
  noSlot,
  underLoad,
  duplicateFragment,
  reassemblyExpired,
  copyRefused,
  badDh,
  badIdentity,
  unknownPeer,
  modeMismatch,
  badTimestamp,
  staleTimestamp,
  pendingLost,
  badKemKey,
  unexpectedResponse,
  noResponseSlot,
  badResponse,
  unexpectedCookie,
  badCookie,
  unknownIndex,
  profileMismatch,
  badTag,
  replayed,
  counterLimit,
  sessionExpired,
  staleConfirm,
  cannotConfirm,
  badInnerPacket,
  badInnerLength,
  sourceNotAllowed,
  controlOnClassical,
  unknownControl,
  answerLimit,
  noRoute,
  noEndpoint,
  stagingFull,
  tooBig,
  sendFailed,
  queueFull,
  /** No reason: it was not dropped. Keep it last. */
  none,
};

/** How many reasons there are: a Drop is an index into so many counters. */
constexpr size_t kDropReasons = static_cast<size_t>(Drop::none);

}  // namespace pqtun
