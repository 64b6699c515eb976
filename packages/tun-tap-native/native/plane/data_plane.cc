#include "data_plane.h"

#include <cstring>
#include <string>
#include <utility>

#include "fingerprint.h"
#include "inner_packet.h"
#include "plane_state.h"
#include "receiving.h"
#include "sending.h"

namespace pqtun {

struct DataPlane::State {
  State(const PlaneOptions& options, PlaneSink* sink)
      : shared(options, sink), sending(&shared), receiving(&shared, &sending) {
    receiving.allowCoalescing(options.coalesceTcp, options.coalesceUdp);
  }

  void flush() {
    receiving.flush();
    shared.trains.endAll();
  }

  PlaneState shared;
  Sending sending;
  Receiving receiving;
};

DataPlane::DataPlane(const PlaneOptions& options, PlaneSink* sink) : state_(new State(options, sink)) {}
DataPlane::~DataPlane() = default;

/* packets */

void DataPlane::handleTun(Instant now, uint8_t* frame, uint32_t length) {
  state_->receiving.settle();  // T2: what was received before stands before what is sent now
  state_->sending.handleTun(now, frame, length);
}

void DataPlane::handleUdp(Instant now, const Endpoint& from, const LocalAddress& localAddress, uint8_t* bytes, uint32_t length,
                          uint32_t segmentSize, bool truncated) {
  state_->receiving.handleUdp(now, from, localAddress, bytes, length, segmentSize, truncated);
}

void DataPlane::flush(Instant) { state_->flush(); }

/* the port */

void DataPlane::install(Instant now, const SessionInstall& session) {
  state_->flush();
  PlaneState& shared = state_->shared;
  if (shared.sessions.find(session.localIndex) != nullptr) return;
  Remote* remote = shared.remote(session.peer);
  const bool expired = now - session.bornAt >= session.limits.rejectAfterTime;
  auto made = expired ? nullptr : std::make_unique<Keypair>(*shared.aead, remote, session);
  if (made == nullptr || !made->usable()) return shared.reports.retired(remote, session.localIndex);
  shared.eraseExpired(now, remote);
  Keypair* keypair = shared.sessions.add(std::move(made));
  const bool initiated = session.role == Role::initiator;
  Fallen fallen;
  if (initiated) {
    remote->keypairs.addInitiated(now, keypair, &fallen);
    shared.livePlaces.change();
  } else {
    remote->keypairs.addNext(keypair, &fallen);
  }
  for (uint32_t i = 0; i < fallen.count; i++) shared.eraseReported(now, remote, fallen.keypairs[i]);
  if (!initiated) return;
  state_->sending.confirmToResponder(now, remote, keypair);
  state_->flush();
}

void DataPlane::retire(Instant now, SessionIndex index) {
  state_->flush();
  Keypair* keypair = state_->shared.sessions.find(index);
  if (keypair != nullptr) state_->shared.erase(now, keypair->remote, keypair);
}

void DataPlane::wipeKeys(Instant now, PeerId peer) {
  state_->flush();
  Remote* remote = state_->shared.find(peer);
  if (remote == nullptr) return;
  Keypair* all[Keypairs::kMost];
  const uint32_t count = remote->keypairs.all(all);
  for (uint32_t i = 0; i < count; i++) state_->shared.erase(now, remote, all[i]);
}

void DataPlane::removePeer(Instant now, PeerId peer) {
  wipeKeys(now, peer);
  PlaneState& shared = state_->shared;
  const auto known = shared.slots.find(peer);
  if (known == shared.slots.end()) return;
  shared.routes.removePeer(known->second);
  Remote* remote = shared.at(known->second);
  if (remote != nullptr) shared.reports.forget(remote);
  shared.removePlace(peer);
}

void DataPlane::setPeer(PeerId peer, const PeerSettings& settings) {
  state_->flush();
  state_->shared.remote(peer)->configure(settings);
  state_->shared.livePlaces.change();
}

void DataPlane::resetTimestamp(PeerId peer) {
  state_->flush();
  Remote* remote = state_->shared.find(peer);
  if (remote != nullptr) remote->keypairs.forgetTimestamp();
}

bool DataPlane::setRoutes(const PeerRoute* changes, size_t count) {
  state_->flush();
  PlaneState& shared = state_->shared;
  const auto translate = [](const PeerRoute& route, PeerSlot slot) {
    RouteChange change = {route.kind, route.size, route.bits, {}, slot};
    std::memcpy(change.prefix, route.prefix, sizeof change.prefix);
    return change;
  };
  for (size_t i = 0; i < count; i++) {
    if (!AllowedIps::wellFormed(translate(changes[i], 0))) return false;
  }
  for (size_t i = 0; i < count; i++) {
    const bool adds = changes[i].kind == RouteChange::Kind::kAdd;
    const auto known = shared.slots.find(changes[i].peer);
    if (!adds && known == shared.slots.end()) continue;  // it owns nothing
    const RouteChange change = translate(changes[i], adds ? shared.slotOf(changes[i].peer) : known->second);
    shared.routes.apply(&change, 1);
  }
  return true;
}

void DataPlane::setGate(std::unique_ptr<const GateSettings> settings) {
  if (state_->shared.gate != nullptr) state_->shared.gate->set(std::move(settings));
}

bool DataPlane::transmit(Instant now, PeerId peer, const uint8_t* payload, uint32_t length, const Endpoint& to,
                         const LocalAddress& from) {
  state_->flush();
  Remote* remote = state_->shared.find(peer);
  Keypair* keypair = remote == nullptr ? nullptr : state_->shared.usable(now, remote);
  const bool goesHome = !to.known();
  if (keypair == nullptr || (goesHome && !remote->endpoint.known())) return false;
  if (length > kMostTrainBytes - kTransportOverhead) return false;
  state_->sending.sendOwn(now, remote, keypair, payload, length, goesHome ? remote->endpoint : to,
                          goesHome ? remote->localAddress : from);
  state_->flush();
  return true;
}

void DataPlane::flushStaged(Instant now, PeerId peer) {
  state_->flush();
  Remote* remote = state_->shared.find(peer);
  Keypair* current = remote == nullptr ? nullptr : state_->shared.usable(now, remote);
  if (current == nullptr) return;
  state_->sending.flush(now, remote, current);
  state_->flush();
}

void DataPlane::purgeStaged(PeerId peer) {
  state_->flush();
  Remote* remote = state_->shared.find(peer);
  if (remote != nullptr) remote->staged.clear();
}

void DataPlane::sendDatagram(const Endpoint& to, const LocalAddress& from, const uint8_t* bytes, uint32_t length) {
  state_->flush();
  state_->shared.sink->sendDatagram(to, from, bytes, length);
}

PeerCounters DataPlane::peerCounters(PeerId peer) const {
  const Remote* remote = state_->shared.find(peer);
  return remote == nullptr ? PeerCounters{} : remote->counters;
}

PlaneReports& DataPlane::reports() { return state_->shared.reports; }

/* beside the port */

void DataPlane::setMtu(uint32_t mtu) {
  state_->flush();
  state_->shared.mtu = mtu;
}

uint32_t DataPlane::mtu() const { return state_->shared.mtu; }
void DataPlane::allowCoalescing(bool tcp, bool udp) { state_->receiving.allowCoalescing(tcp, udp); }
void DataPlane::allowTrains(bool allowed) { state_->shared.trains.allow(allowed); }
const AeadEngine& DataPlane::aead() const { return *state_->shared.aead; }

/* for tests */

void DataPlane::advanceSendCounter(SessionIndex index, uint64_t next) {
  Keypair* keypair = state_->shared.sessions.find(index);
  if (keypair != nullptr) keypair->sendCounter.advanceTo(next);
}

std::string DataPlane::fingerprint() const {
  return pqtun::fingerprint(state_->shared, state_->receiving.waiting() + state_->shared.trains.waiting());
}

bool DataPlane::ownerOf(const uint8_t* packet, PeerId* peer) const {
  const PlaneState& shared = state_->shared;
  const uint8_t* source = sourceOf(packet);
  const PeerSlot slot = versionOf(packet) == 4 ? shared.routes.lookup4(source) : shared.routes.lookup6(source);
  if (slot == kNoPeer || shared.at(slot) == nullptr) return false;
  *peer = shared.at(slot)->id;
  return true;
}

}  // namespace pqtun
