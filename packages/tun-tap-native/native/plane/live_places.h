#pragma once

#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "plane_types.h"
#include "siphash.h"

namespace pqtun {

struct Remote;

/**
 * The endpoints of peers that have a session to send under: whose initiations do not wait behind those of strangers. Made anew when it is
 * asked after a change; strangers, who make it be asked, cannot bring about a change.
 */
class LivePlaces {
 public:
  /** `key` is secret and random: strangers choose what is looked up. */
  explicit LivePlaces(const HashKey& key) : key_(key) {}

  /** Some peer has moved, or got or lost a session. */
  void change() { changed_ = true; }
  bool has(const std::vector<std::unique_ptr<Remote>>& remotes, const Endpoint& place);

 private:
  /** 64 bits under a secret key stand for the endpoint: two that nobody can choose to be the same. */
  uint64_t hashOf(const Endpoint& place) const;

  const HashKey key_;
  bool changed_ = true;
  std::unordered_set<uint64_t> places_;
};

}  // namespace pqtun
