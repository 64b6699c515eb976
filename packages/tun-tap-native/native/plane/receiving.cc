#include "receiving.h"

#include <algorithm>

#include "inner_packet.h"
#include "little_endian.h"
#include "mss_clamp.h"
#include "sending.h"

namespace pqtun {
namespace {

/* First bytes of control payloads. protocol.md §3.5. */
constexpr uint8_t kProbe = 1;
constexpr uint8_t kAnswer = 2;
constexpr uint8_t kPathProbe = 3;
constexpr uint8_t kFirstNoControl = 0x10;
constexpr uint32_t kLeastProbe = 16;
constexpr uint32_t kAnswerLength = 16;

/** Core's parseControl(): what the engine will be able to read. */
bool isWellFormedControl(const uint8_t* payload, uint32_t length) {
  if (payload[0] == kProbe || payload[0] == kPathProbe) return length >= kLeastProbe && length % kPaddingUnit == 0;
  return payload[0] == kAnswer && length == kAnswerLength;
}

}  // namespace

Receiving::Receiving(PlaneState* state, Sending* sending) : state_(state), sending_(sending), coalescer_(kMostPackets) {}

void Receiving::handleUdp(Instant now, const Endpoint& from, const LocalAddress& localAddress, uint8_t* bytes, uint32_t length,
                          uint32_t segmentSize, bool truncated) {
  arrival_ = {now, from, localAddress};
  arrivalKept_ = false;
  GroDatagrams walk(bytes, length, segmentSize, truncated);
  Datagram datagram;
  while (walk.next(&datagram)) {
    const Drop drop = take(datagram.bytes, datagram.length);
    if (drop != Drop::none) state_->reports.drop(drop);
  }
  if (walk.cut()) state_->reports.drop(Drop::badLength);
}

Drop Receiving::take(uint8_t* bytes, uint32_t length) {
  if (length > 0 && bytes[0] == kTransportType) return takeTransport(bytes, length);
  settle();
  return handleOther(bytes, length);
}

Drop Receiving::handleOther(const uint8_t* bytes, uint32_t length) {
  const auto& [now, from, localAddress] = arrival_;
  GateDecision decision = {GateDecision::Kind::unchecked, Drop::none, 0, false};
  uint8_t reply[kCookieReplySize];
  if (state_->gate != nullptr) decision = state_->gate->decide(now, from, bytes, length, reply);
  if (decision.kind == GateDecision::Kind::answered) {
    state_->sink->sendDatagram(from, localAddress, reply, sizeof reply);
    state_->reports.cookieReply();
  }
  if (decision.reason != Drop::none) return decision.reason;
  const bool fromLivePeer = state_->livePlaces.has(state_->remotes, from);
  const MessageLane lane = laneOf(length > 0 ? bytes[0] : 0, fromLivePeer);
  const bool passed = decision.kind == GateDecision::Kind::passed;
  state_->reports.push({lane, 0, from, localAddress, passed, decision.proven, decision.key, bytes, length});
  return Drop::none;
}

Drop Receiving::takeTransport(uint8_t* bytes, uint32_t length) {
  if (length < kTransportOverhead) return Drop::badLength;
  if (readLe32(bytes) != kTransportType) return Drop::reservedBytes;
  const uint64_t counter = readLe64(bytes + 8);
  if (counter > kLargestCounter) return Drop::counterLimit;
  const SessionIndex index = readLe32(bytes + 4);
  const Instant now = arrival_.now;
  if (count_ > 0) {
    const bool goesOn = keypair_->localIndex == index && count_ < kMostWaiting && !keypair_->expired(now) &&
                        counter < keypair_->limits.rejectAfterMessages;
    if (goesOn) {
      append(bytes, length, counter);
      return Drop::none;
    }
    openRun();
  }

  Keypair* keypair = state_->sessions.find(index);
  if (keypair == nullptr) return dropOfUnknown(now, index);
  if (keypair->expired(now)) {
    state_->eraseReported(now, keypair->remote, keypair);
    return Drop::profileMismatch;  // T6: to notice its age is to erase it by age
  }
  if (counter >= keypair->limits.rejectAfterMessages) return Drop::counterLimit;
  keypair_ = keypair;
  append(bytes, length, counter);
  return Drop::none;
}

void Receiving::append(uint8_t* bytes, uint32_t length, uint64_t counter) {
  if (!arrivalKept_) {
    arrivals_[arrivalCount_++] = arrival_;
    arrivalKept_ = true;
  }
  arrivalOf_[count_] = static_cast<uint8_t>(arrivalCount_ - 1);
  records_[count_++] = {bytes + kTransportHeaderSize, length - kTransportOverhead, counter, false};
}

Drop Receiving::dropOfUnknown(Instant now, SessionIndex index) const {
  return state_->sessions.erasedByAge(now, index) ? Drop::profileMismatch : Drop::unknownIndex;
}

/** Steps 2 to 7 of a run. */
void Receiving::openRun() {
  const uint32_t count = count_;
  const SessionIndex index = keypair_->localIndex;
  keypair_->receiveCipher->open(records_, count);
  bool alive = true;
  uint64_t erasures = state_->sessions.erasures();
  for (uint32_t i = 0; i < count; i++) {
    const Arrival& arrival = arrivals_[arrivalOf_[i]];
    if (alive && erasures != state_->sessions.erasures()) {
      erasures = state_->sessions.erasures();
      alive = state_->sessions.find(index) == keypair_;
    }
    const Drop drop = !alive               ? dropOfUnknown(arrival.now, index)
                      : !records_[i].ok    ? Drop::badTag
                                           : handleAuthentic(arrival, keypair_, records_[i]);
    if (drop != Drop::none) state_->reports.drop(drop);
  }
  keypair_ = nullptr;
  count_ = 0;
  arrivalCount_ = 0;
  arrivalKept_ = false;
}

Drop Receiving::handleAuthentic(const Arrival& arrival, Keypair* keypair, const Record& record) {
  const Instant now = arrival.now;
  Remote* remote = keypair->remote;
  const bool staysPut = record.length > 0 && (record.text[0] == kAnswer || record.text[0] == kPathProbe);
  const bool confirms = !keypair->confirmed;
  if (confirms && staysPut) return Drop::cannotConfirm;  // C1
  if (confirms && remote->keypairs.isStale(*keypair)) {
    state_->eraseReported(now, remote, keypair);
    return Drop::staleConfirm;  // C5
  }
  const bool isHighest = record.counter >= keypair->window.next();
  if (!keypair->window.accept(record.counter)) return Drop::replayed;

  remote->counters.bytesReceived += record.length + kTransportOverhead;
  remote->counters.packetsReceived++;
  state_->reports.of(remote).anyReceived = true;
  if (confirms) {
    confirm(arrival, keypair);
  } else if (isHighest && !staysPut && keypair == remote->keypairs.current()) {
    move(remote, arrival);
  }
  watchAge(now, keypair);
  const Drop drop = deliver(arrival, *keypair, record.text, record.length);
  if (confirms) {  // N3: after a confirm data staged goes out, under the current session
    Keypair* current = state_->usable(now, remote);
    if (current != nullptr) sending_->flush(now, remote, current);
  }
  return drop;
}

/** C5: the session becomes current, or previous by N4. */
void Receiving::confirm(const Arrival& arrival, Keypair* keypair) {
  Remote* remote = keypair->remote;
  state_->eraseExpired(arrival.now, remote);
  Fallen fallen;
  const bool becameCurrent = remote->keypairs.confirm(arrival.now, keypair, &fallen);
  state_->livePlaces.change();
  for (uint32_t i = 0; i < fallen.count; i++) state_->eraseReported(arrival.now, remote, fallen.keypairs[i]);
  move(remote, arrival);
  Confirmation confirmation = {keypair->localIndex, arrival.from, remote->localAddress, {}, becameCurrent};
  std::memcpy(confirmation.timestamp, keypair->timestamp, kTimestampSize);
  state_->reports.confirmed(remote, confirmation);
}

/** §5.4: only an authenticated packet gets here. */
void Receiving::move(Remote* remote, const Arrival& arrival) {
  if (!remote->move(arrival.from, arrival.localAddress)) return;
  state_->livePlaces.change();
  state_->reports.roamed(remote);
}

/** T1, receiving side: the session's initiator rekeys before the session ends, be it current or previous. */
void Receiving::watchAge(Instant now, Keypair* keypair) {
  if (keypair->role != Role::initiator || keypair->age(now) <= keypair->limits.rekeyOnReceiveAfter) return;
  state_->reports.limitNear(keypair->remote, keypair->localIndex);
}

Drop Receiving::deliver(const Arrival& arrival, const Keypair& keypair, uint8_t* payload, uint32_t length) {
  if (length == 0) return Drop::none;
  if (payload[0] < kFirstNoControl) return deliverControl(arrival, keypair, payload, length);
  Remote* remote = keypair.remote;
  state_->reports.of(remote).dataReceived = true;
  const int32_t inner = innerLength(payload, length);
  if (inner < 0) return inner == kBadInnerPacket ? Drop::badInnerPacket : Drop::badInnerLength;
  const uint8_t* source = sourceOf(payload);
  const PeerSlot owner = versionOf(payload) == 4 ? state_->routes.lookup4(source) : state_->routes.lookup6(source);
  if (owner != remote->slot) return Drop::sourceNotAllowed;
  const auto packetLength = static_cast<uint32_t>(inner);
  // What the peer's side announces is what ours may send there: no more than the path takes
  if (state_->clampMss) clampMss(payload, packetLength, std::min(state_->mtu, remote->largestPayload()));
  if (packetsWaiting_ == kMostPackets) writePackets();
  coalescer_.add(payload, packetLength);
  packetsWaiting_++;
  return Drop::none;
}

/** §3.5. The payload is copied: it waits for the engine, while the datagram's memory goes back to its owner. */
Drop Receiving::deliverControl(const Arrival& arrival, const Keypair& keypair, const uint8_t* payload, uint32_t length) {
  if (keypair.kind == SessionKind::classical) return Drop::controlOnClassical;
  if (!isWellFormedControl(payload, length)) return Drop::unknownControl;
  state_->reports.push({MessageLane::control, keypair.remote->id, arrival.from, arrival.localAddress, false, false, 0, payload, length});
  return Drop::none;
}

void Receiving::flush() {
  settle();
  if (packetsWaiting_ > 0) writePackets();
}

void Receiving::writePackets() {
  iovec pieces[Coalescer::kMostVectors];
  for (uint32_t i = 0; i < coalescer_.frameCount(); i++) {
    const uint32_t count = coalescer_.frame(i, pieces);
    if (state_->sink->writeTun(pieces, count) || count == 1) continue;
    const uint32_t packets = coalescer_.separate(i, pieces);
    for (uint32_t k = 0; k < packets; k++) state_->sink->writeTun(&pieces[k], 1);
  }
  coalescer_.clear();
  packetsWaiting_ = 0;
  if (!allowanceChanged_) return;
  allowanceChanged_ = false;
  coalescer_.allow(coalesceTcp_, coalesceUdp_);
}

void Receiving::allowCoalescing(bool tcp, bool udp) {
  coalesceTcp_ = tcp;
  coalesceUdp_ = udp;
  allowanceChanged_ = packetsWaiting_ > 0;
  if (!allowanceChanged_) coalescer_.allow(tcp, udp);
}

}  // namespace pqtun
