#include "plane_state.h"

namespace pqtun {

PlaneState::PlaneState(const PlaneOptions& options, PlaneSink* out)
    : aead(options.aead),
      sink(out),
      mtu(options.mtu),
      clampMss(options.clampMss),
      reports(options.hashKey),
      gate(Gate::create(options.hashKey)),
      livePlaces(options.hashKey),
      trains(out, &reports) {
  trains.allow(options.trains);
}

Remote* PlaneState::find(PeerId peer) const {
  const auto found = slots.find(peer);
  return found == slots.end() ? nullptr : remotes[found->second].get();
}

Remote* PlaneState::remote(PeerId peer) {
  const PeerSlot slot = slotOf(peer);
  if (remotes[slot] == nullptr) remotes[slot] = std::make_unique<Remote>(peer, slot, &staging);
  return remotes[slot].get();
}

PeerSlot PlaneState::slotOf(PeerId peer) {
  const auto found = slots.find(peer);
  if (found != slots.end()) return found->second;
  PeerSlot slot = static_cast<PeerSlot>(remotes.size());
  if (freeSlots.empty()) {
    remotes.emplace_back();
  } else {
    slot = freeSlots.back();
    freeSlots.pop_back();
  }
  slots.emplace(peer, slot);
  return slot;
}

void PlaneState::removePlace(PeerId peer) {
  const auto found = slots.find(peer);
  if (found == slots.end()) return;
  remotes[found->second].reset();
  freeSlots.push_back(found->second);
  slots.erase(found);
}

void PlaneState::eraseExpired(Instant now, Remote* remote) {
  Keypair* all[Keypairs::kMost];
  const uint32_t count = remote->keypairs.all(all);
  for (uint32_t i = 0; i < count; i++) {
    if (all[i]->expired(now)) eraseReported(now, remote, all[i]);
  }
}

void PlaneState::erase(Instant now, Remote* remote, Keypair* keypair) {
  trains.end(remote);  // what was to leave under it
  remote->keypairs.remove(keypair);
  livePlaces.change();
  sessions.erase(now, keypair);
}

void PlaneState::eraseReported(Instant now, Remote* remote, Keypair* keypair) {
  const SessionIndex index = keypair->localIndex;
  erase(now, remote, keypair);
  reports.retired(remote, index);
}

}  // namespace pqtun
