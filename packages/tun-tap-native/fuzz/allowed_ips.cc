// Allowed IPs against a list. Input: steps of 8 B, the verb, the peer, the bits, and where in the address they differ.
// sources: native/plane/allowed_ips.cc native/plane/prefix_table.cc
#include "../native/plane/allowed_ips.h"

#include <vector>

#include "input.h"

namespace {

using pqtun::RouteChange;

bool isWithin(const uint8_t* ip, const RouteChange& route) {
  for (int bit = 0; bit < route.bits; bit++) {
    if ((ip[bit / 8] ^ route.prefix[bit / 8]) & 0x80 >> bit % 8) return false;
  }
  return true;
}

bool samePrefix(const RouteChange& a, const RouteChange& b) {
  return a.size == b.size && a.bits == b.bits && std::memcmp(a.prefix, b.prefix, a.size) == 0;
}

void changeList(std::vector<RouteChange>* list, const RouteChange& change) {
  const bool add = change.kind == RouteChange::Kind::kAdd;
  for (size_t i = list->size(); i-- > 0;) {
    const RouteChange& route = (*list)[i];
    const bool gone = change.kind == RouteChange::Kind::kClear
                          ? route.peer == change.peer
                          : samePrefix(route, change) && (add || route.peer == change.peer);
    if (gone) list->erase(list->begin() + static_cast<ptrdiff_t>(i));
  }
  if (add) list->push_back(change);
}

uint32_t findInList(const std::vector<RouteChange>& list, const uint8_t* ip, size_t size) {
  const RouteChange* best = nullptr;
  for (const RouteChange& route : list) {
    if (route.size == size && isWithin(ip, route) && (best == nullptr || route.bits > best->bits)) best = &route;
  }
  return best == nullptr ? pqtun::kNoPeer : best->peer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pqtun::AllowedIps table;
  std::vector<RouteChange> list;
  Input input(data, size);
  while (input.left() > 0) {
    const auto words = input.take<uint64_t>();
    uint8_t step[8];
    std::memcpy(step, &words, sizeof step);
    RouteChange change = {};
    change.size = step[0] & 0x80 ? 16 : 4;
    change.bits = static_cast<uint8_t>(step[2] % (change.size * 8 + 2));  // One too many is ill-formed.
    change.peer = step[1] % 8;
    std::memcpy(change.prefix, step + 3, 4);
    change.prefix[change.size - 1] = static_cast<uint8_t>(change.prefix[change.size - 1] ^ step[7]);
    const bool masks = step[0] % 16 != 15;
    uint8_t ip[16];
    std::memcpy(ip, change.prefix, sizeof ip);
    for (int bit = change.bits; masks && bit < change.size * 8; bit++) change.prefix[bit / 8] &= ~(0x80 >> bit % 8);

    switch (step[0] % 4) {
      case 0: change.kind = RouteChange::Kind::kRemove; break;
      case 1: change.kind = step[0] % 32 == 1 ? RouteChange::Kind::kClear : RouteChange::Kind::kAdd; break;
      default: change.kind = RouteChange::Kind::kAdd;
    }
    bool wellFormed = change.bits <= change.size * 8;
    for (int bit = change.bits; bit < change.size * 8; bit++) {
      wellFormed = wellFormed && (change.prefix[bit / 8] & 0x80 >> bit % 8) == 0;
    }
    wellFormed = wellFormed || change.kind == RouteChange::Kind::kClear;
    require(table.apply(&change, 1) == (wellFormed ? 1 : 0));
    if (wellFormed) changeList(&list, change);
    require(table.size() == list.size());
    const uint32_t found = change.size == 4 ? table.lookup4(ip) : table.lookup6(ip);
    require(found == findInList(list, ip, change.size));
  }
  return 0;
}
