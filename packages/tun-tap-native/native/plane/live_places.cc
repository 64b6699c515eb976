#include "live_places.h"

#include <cstring>

#include "remote.h"

namespace pqtun {

bool LivePlaces::has(const std::vector<std::unique_ptr<Remote>>& remotes, const Endpoint& place) {
  if (changed_) {
    places_.clear();
    for (const auto& remote : remotes) {
      if (remote == nullptr || remote->keypairs.current() == nullptr || !remote->endpoint.known()) continue;
      places_.insert(hashOf(remote->endpoint));
    }
    changed_ = false;
  }
  return places_.count(hashOf(place)) > 0;
}

uint64_t LivePlaces::hashOf(const Endpoint& place) const {
  uint64_t halves[2];
  std::memcpy(halves, place.ip, sizeof halves);
  const uint64_t rest = uint64_t{place.scope} << 32 | uint64_t{place.port} << 8 | place.ipSize;
  return sipHash(key_, sipHash(key_, halves[0], halves[1]), rest);
}

}  // namespace pqtun
