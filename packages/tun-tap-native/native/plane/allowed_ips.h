#pragma once

#include <cstddef>
#include <cstdint>

#include "prefix_table.h"

namespace pqtun {

/** As core's plane/plane.ts has it. Prefix and bits mean nothing where a peer is cleared. */
struct RouteChange {
  enum class Kind : uint8_t { kAdd, kRemove, kClear };

  Kind kind;
  /** 4 or 16. */
  uint8_t size;
  uint8_t bits;
  /** `size` B in network order, host bits zero. */
  uint8_t prefix[16];
  PeerSlot peer;
};

/**
 * Address → the peer that owns its longest prefix, for IPv4 and IPv6: who receives a packet, and whose source an inner packet
 * may carry (protocol.md §5.4). Does what core's plane/allowed-ips.ts does, by hashing instead of a trie: see prefix_table.h.
 */
class AllowedIps {
 public:
  static bool wellFormed(const RouteChange& change);

  /**
   * Applies all changes in order and returns `count`, or applies none and returns the position of the first ill-formed one.
   * Adding moves a prefix that another peer owns; removing one that the named peer does not own does nothing.
   */
  size_t apply(const RouteChange* changes, size_t count);

  /** Takes every prefix from the peer. */
  void removePeer(PeerSlot peer);

  /** The peer of the longest prefix that holds the address of 4 (16) B at `ip`, or kNoPeer. */
  PeerSlot lookup4(const uint8_t* ip) const { return four_.find(readAddress<uint32_t>(ip)); }
  PeerSlot lookup6(const uint8_t* ip) const { return six_.find(readAddress<Uint128>(ip)); }

  /** Prefixes of all peers. */
  size_t size() const { return four_.size() + six_.size(); }
  /** Bytes allocated. */
  size_t memory() const { return four_.memory() + six_.memory(); }

 private:
  PrefixTable<uint32_t> four_;
  PrefixTable<Uint128> six_;
};

}  // namespace pqtun
