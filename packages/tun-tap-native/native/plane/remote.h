#pragma once

#include <cstdint>
#include <vector>

#include "data_plane.h"
#include "keypairs.h"
#include "plane_types.h"
#include "prefix_table.h"
#include "record.h"
#include "staging.h"

namespace pqtun {

class OpenTrain;

/** As core's plane/plane.ts, Confirmation. */
struct Confirmation {
  SessionIndex index;
  Endpoint endpoint;
  LocalAddress localAddress;
  uint8_t timestamp[kTimestampSize];
  /** Else previous, by N4. */
  bool becameCurrent;
};

/** As core's plane/plane.ts, PeerActivity: what has happened to one peer since the last report. */
struct Activity {
  bool wantsKey = false;
  bool dataSent = false;
  bool dataReceived = false;
  bool recordSent = false;
  bool anySent = false;
  bool anyReceived = false;
  bool roamed = false;
  bool limitIsNear = false;
  /** Meaningful where the flags above say so. */
  Endpoint roamedTo = {};
  LocalAddress roamedLocal = {};
  SessionIndex limitNear = 0;
  /** 0: none. */
  uint32_t tooBig = 0;
  std::vector<Confirmation> confirmed;
  std::vector<SessionIndex> retired;
};

/** What the plane knows of one peer: where it is, its keypairs, what waits for it, and what has passed. The mirror of core's plane/remote.ts. */
struct Remote {
  Remote(PeerId peer, PeerSlot place, StagingBudget* budget) : id(peer), slot(place), staged(budget) {}

  void configure(const PeerSettings& settings);

  /**
   * §5.4: takes over where an authenticated packet came from and to; `false` when that is where the peer was already. A
   * socket that cannot tell the local address leaves the known one, as long as the endpoint stays.
   */
  bool move(const Endpoint& to, const LocalAddress& local) {
    const bool sameLocal = !local.known() || local == localAddress;
    if (sameLocal && to == endpoint) return false;
    endpoint = to;
    localAddress = local;
    return true;
  }

  /** The most that the path takes as payload of one datagram; while the path is not known, what a datagram can be at all. */
  uint32_t largestPayload() const {
    return (pathMtu == 0 || pathMtu > kMostTrainBytes ? kMostTrainBytes : pathMtu) - kTransportOverhead;
  }

  const PeerId id;
  /** Its place among the plane's peers. */
  const PeerSlot slot;
  Keypairs keypairs;
  StagedQueue staged;
  PeerCounters counters = {};
  Endpoint endpoint = {};
  LocalAddress localAddress = {};
  /** Largest outer UDP payload known to pass, in bytes; 0: not known. */
  uint32_t pathMtu = 0;
  bool kindKnown = false;
  SessionKind kind = SessionKind::hybrid;
  /** Whether `activity` holds anything. Reports sets it. */
  bool active = false;
  /** What was told before need not wake anybody again: see reports.h. */
  bool limitTold = false;
  SessionIndex toldLimit = 0;
  uint32_t toldTooBig = 0;
  Activity activity;
  /** Records of this peer that are not sealed yet, if any. */
  OpenTrain* train = nullptr;
};

}  // namespace pqtun
