#pragma once

#include <cstdint>
#include <memory>

#include "aead.h"
#include "data_plane.h"
#include "record.h"
#include "replay_window.h"

namespace pqtun {

struct Remote;

constexpr size_t kTimestampSize = 12;
/** REKEY_TIMEOUT in milliseconds. protocol.md §5.3. */
constexpr double kRekeyTimeout = 5000;
/** `next`s of one peer: as many as it may have pending entries (C4). */
constexpr uint32_t kMostNexts = 4;

/** One session's keys and what bounds their use. About 1.3 KiB. */
struct Keypair {
  /** Makes ciphers of the session's keys, which stay the caller's. Ask usable() then. */
  Keypair(const AeadEngine& aead, Remote* remote, const SessionInstall& session);

  /** Whether libcrypto gave both ciphers. */
  bool usable() const { return sendCipher != nullptr && receiveCipher != nullptr; }
  double age(Instant now) const { return now - bornAt; }
  /** T6: from REJECT_AFTER_TIME on it neither sends nor receives. The one age test of sending, receiving and rotating. */
  bool expired(Instant now) const { return age(now) >= limits.rejectAfterTime; }

  Remote* const remote;
  const SessionIndex localIndex;
  const SessionIndex remoteIndex;
  const Instant bornAt;
  const SessionLimits limits;
  const Role role;
  const SessionKind kind;
  const bool winsCrossing;
  /** By S1 as initiator, by the first verified packet as responder; until then it is a `next`. */
  bool confirmed = false;
  Instant confirmedAt = 0;
  SendCounter sendCounter;
  /** TS of the initiation. */
  uint8_t timestamp[kTimestampSize];
  std::unique_ptr<RecordCipher> sendCipher;
  std::unique_ptr<RecordCipher> receiveCipher;
  ReplayWindow window;
};

/** Keypairs that fell out by one change: the caller takes them from its table, which destroys them. */
struct Fallen {
  Keypair* keypairs[kMostNexts + 1];
  uint32_t count = 0;

  void add(Keypair* keypair) { keypairs[count++] = keypair; }
};

/**
 * The keypairs of one peer, and when each becomes which: one current, one previous, up to four `next`s. Here stand C1's rotation,
 * C5's order by timestamp and N4's crossing rule. Owns none of them: the session table does. The mirror of core's plane/keypairs.ts.
 */
class Keypairs {
 public:
  static constexpr uint32_t kMost = 2 + kMostNexts;

  /** Sends and receives. */
  Keypair* current() const { return current_; }
  /** Only receives. */
  Keypair* previous() const { return previous_; }
  /** Confirmed by nothing yet (C1): oldest installation first. */
  uint32_t nextCount() const { return nextCount_; }
  Keypair* next(uint32_t i) const { return nexts_[i]; }

  /** The timestamp of the last session confirmed as responder (C5), or `nullptr`. */
  const uint8_t* storedTimestamp() const { return hasTimestamp_ ? storedTimestamp_ : nullptr; }
  void forgetTimestamp() { hasTimestamp_ = false; }

  /** Writes every keypair there is to `all` (room for kMost) and returns how many. */
  uint32_t all(Keypair** all) const;

  /**
   * Adds an unconfirmed session (C1). The engine keeps to four (C4); should a fifth come all the same, the one of those there with
   * the smallest TS gives way, for the new one's response is about to leave.
   */
  void addNext(Keypair* next, Fallen* fallen);

  /** S1 as initiator: confirmed at once. The TS rules are for a `next` only, so no `next` is touched. C5, N4. */
  void addInitiated(Instant now, Keypair* keypair, Fallen* fallen) { rotate(now, keypair, fallen); }

  /** C5: whether this `next` comes too late, its TS not being above the stored one. */
  bool isStale(const Keypair& next) const;

  /** C5: the first packet under this `next` has verified, and it is not stale. Whether it became current; else previous, by N4. */
  bool confirm(Instant now, Keypair* next, Fallen* fallen);

  /** Takes one keypair out, whichever it is. */
  void remove(const Keypair* keypair);

 private:
  /** Makes a confirmed session current and the old one previous, or, where N4 says so, leaves the old one in its place. */
  bool rotate(Instant now, Keypair* keypair, Fallen* fallen);
  void removeNext(const Keypair* keypair);

  Keypair* current_ = nullptr;
  Keypair* previous_ = nullptr;
  Keypair* nexts_[kMostNexts] = {};
  uint32_t nextCount_ = 0;
  bool hasTimestamp_ = false;
  uint8_t storedTimestamp_[kTimestampSize] = {};
};

}  // namespace pqtun
