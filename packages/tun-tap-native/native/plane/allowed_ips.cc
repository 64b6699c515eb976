#include "allowed_ips.h"

namespace pqtun {
namespace {

template <class Address>
bool isPrefix(const RouteChange& change) {
  return change.bits <= sizeof(Address) * 8 && leading(readAddress<Address>(change.prefix), change.bits) ==
                                                   readAddress<Address>(change.prefix);
}

template <class Address>
void change(PrefixTable<Address>* table, const RouteChange& change) {
  const Address prefix = readAddress<Address>(change.prefix);
  if (change.kind == RouteChange::Kind::kAdd) {
    table->insert(prefix, change.bits, change.peer);
  } else {
    table->remove(prefix, change.bits, change.peer);
  }
}

}  // namespace

bool AllowedIps::wellFormed(const RouteChange& change) {
  if (change.peer == kNoPeer) return false;
  switch (change.kind) {
    case RouteChange::Kind::kClear: return true;
    case RouteChange::Kind::kAdd:
    case RouteChange::Kind::kRemove:
      return (change.size == 4 && isPrefix<uint32_t>(change)) || (change.size == 16 && isPrefix<Uint128>(change));
  }
  return false;
}

size_t AllowedIps::apply(const RouteChange* changes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!wellFormed(changes[i])) return i;
  }
  for (size_t i = 0; i < count; i++) {
    if (changes[i].kind == RouteChange::Kind::kClear) {
      removePeer(changes[i].peer);
    } else if (changes[i].size == 4) {
      change(&four_, changes[i]);
    } else {
      change(&six_, changes[i]);
    }
  }
  return count;
}

void AllowedIps::removePeer(PeerSlot peer) {
  four_.removePeer(peer);
  six_.removePeer(peer);
}

}  // namespace pqtun
