#pragma once

#include <cstddef>
#include <cstdint>

#include "drop.h"
#include "plane_types.h"

namespace pqtun {

/** Byte 0 of a datagram. protocol.md §3. */
enum class MessageType : uint8_t {
  classicalInitiation = 0x01,
  classicalResponse = 0x02,
  cookieReply = 0x03,
  transport = 0x04,
  initiationFragment = 0x11,
  responseFragment = 0x12,
};

constexpr size_t kMacSize = 16;
/** mac1 ‖ mac2, the end of every initiation and response. */
constexpr size_t kMacTrailerSize = 2 * kMacSize;
constexpr size_t kCookieReplySize = 64;
/** Suites 1 and 2: what an array by suite has, at suite − 1. */
constexpr size_t kSuites = 2;

/** What a handshake or cookie datagram says of itself; all of it the sender's claim. */
struct HandshakeForm {
  MessageType type;
  /** 1 or 2; 0 in messages without one. */
  uint8_t suite;
  /** Of this fragment; 0 in messages of one datagram. */
  uint8_t index;
  /** 0 in a cookie reply. */
  SessionIndex sender;
  /** 0 in initiations. */
  SessionIndex receiver;
};

/**
 * Whether a datagram has the type, the exact length and the geometry of a message of protocol.md §3 and §3.1, transport apart, and
 * what it claims: the mirror of core's wire/classify.ts, same reasons in the same order. `Drop::none`: `form` is filled in; transport
 * is `unknownType`. `datagram` is the caller's, `length` B.
 */
Drop readForm(const uint8_t* datagram, size_t length, HandshakeForm* form);

}  // namespace pqtun
