#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "allowed_ips.h"
#include "coalesce.h"
#include "data_plane.h"
#include "gate.h"
#include "live_places.h"
#include "remote.h"
#include "reports.h"
#include "session_table.h"
#include "staging.h"
#include "trains.h"

namespace pqtun {

/** What sending and receiving share, and the one way by which a keypair is erased. The mirror of core's plane/plane-state.ts. */
struct PlaneState {
  PlaneState(const PlaneOptions& options, PlaneSink* sink);

  /** The peer of that number, `nullptr` where it is not known. */
  Remote* find(PeerId peer) const;
  /** The peer of that number, made known if it is not. */
  Remote* remote(PeerId peer);
  /** The peer at that place, `nullptr` where routes alone know it. */
  Remote* at(PeerSlot slot) const { return remotes[slot].get(); }
  /** The place of that peer, made if there is none. */
  PeerSlot slotOf(PeerId peer);
  /** Forgets the peer and gives its place free. Its routes are gone already. */
  void removePlace(PeerId peer);

  /** The session that this peer may be sent to under: current, young enough (T6), with counters left. */
  Keypair* usable(Instant now, Remote* remote) {
    Keypair* current = remote->keypairs.current();
    if (current == nullptr) return nullptr;
    if (current->expired(now)) {
      eraseReported(now, remote, current);
      return nullptr;
    }
    return current->sendCounter.action() == SendAction::refuse ? nullptr : current;
  }

  /** Erases what has reached its age, so that no rotation keeps or weighs it. T6. */
  void eraseExpired(Instant now, Remote* remote);
  void erase(Instant now, Remote* remote, Keypair* keypair);
  /** Erases a keypair by the plane's own decision, of which the engine must hear. */
  void eraseReported(Instant now, Remote* remote, Keypair* keypair);

  const AeadEngine* const aead;
  PlaneSink* const sink;
  /** Tunnel MTU: padding stops there. */
  uint32_t mtu;
  const bool clampMss;
  StagingBudget staging;
  SessionTable sessions;
  AllowedIps routes;
  PlaneReports reports;
  /** Null where libcrypto lacks what it takes. */
  std::unique_ptr<Gate> gate;
  /** Where peers with a session are. */
  LivePlaces livePlaces;
  Trains trains;
  /** By place; what is free or known to routes alone holds nothing. */
  std::vector<std::unique_ptr<Remote>> remotes;
  std::vector<PeerSlot> freeSlots;
  std::unordered_map<PeerId, PeerSlot> slots;
};

}  // namespace pqtun
