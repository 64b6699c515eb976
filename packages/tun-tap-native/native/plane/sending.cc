#include "sending.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "icmp_too_big.h"
#include "inner_packet.h"
#include "mss_clamp.h"

namespace pqtun {
namespace {

constexpr uint32_t kLargestPacket = 65535;

/** The reason for which core would drop a packet of which parseFrame() says this; of a malformed super-frame core knows nothing. */
Drop dropOf(FrameRefusal refusal) {
  return refusal == FrameRefusal::badInnerLength ? Drop::badInnerLength : Drop::badInnerPacket;
}

/** T2 asks for data after which nothing was sent, so what came earlier in this report asks for nothing any more. */
void noteRecordSent(Activity* activity) {
  activity->recordSent = true;
  activity->dataReceived = false;
}

}  // namespace

Sending::Sending(PlaneState* state) : state_(state), scratch_(new uint8_t[kLargestPacket]) {}

void Sending::handleTun(Instant now, uint8_t* bytes, uint32_t length) {
  TunFrame frame;
  const FrameRefusal refusal = parseFrame(bytes, length, &frame);
  if (refusal != FrameRefusal::none) return state_->reports.drop(dropOf(refusal));
  uint8_t* packet = bytes + kVirtioHeaderSize;
  const bool plain = frame.kind == FrameKind::plain;
  if (!plain) splitter_.start(frame, packet);
  const uint32_t count = plain ? 1 : splitter_.packetsLeft();

  const uint8_t* destination = destinationOf(packet);
  const PeerSlot slot = frame.version == 4 ? state_->routes.lookup4(destination) : state_->routes.lookup6(destination);
  if (slot == kNoPeer) return state_->reports.drop(Drop::noRoute, count);
  Remote* remote = state_->at(slot);
  if (remote == nullptr || !remote->endpoint.known()) return state_->reports.drop(Drop::noEndpoint, count);
  if (!plain) return handleSuperFrame(now, remote);
  if (frame.needsChecksum) completeChecksum(frame, packet);
  if (state_->clampMss) clampMss(packet, frame.length, state_->mtu);
  handlePlain(now, remote, packet, frame.length);
}

void Sending::handlePlain(Instant now, Remote* remote, uint8_t* packet, uint32_t length) {
  if (length > remote->largestPayload()) return tooBig(remote, packet, length, true);
  Keypair* keypair = sessionFor(now, remote);
  if (keypair == nullptr) return stage(remote, packet, length);
  std::memcpy(addData(now, remote, keypair, length), packet, length);
}

void Sending::handleSuperFrame(Instant now, Remote* remote) {
  bool answered = false;
  while (!splitter_.done()) {
    const uint32_t length = splitter_.nextLength();
    if (length > remote->largestPayload()) {
      splitter_.nextInto(scratch_.get());
      tooBig(remote, scratch_.get(), length, !answered);
      answered = true;
      continue;
    }
    Keypair* keypair = sessionFor(now, remote);
    if (keypair == nullptr) {
      splitter_.nextInto(scratch_.get());
      stage(remote, scratch_.get(), length);
      continue;
    }
    splitter_.nextInto(addData(now, remote, keypair, length));
  }
}

Keypair* Sending::sessionFor(Instant now, Remote* remote) {
  Keypair* keypair = state_->usable(now, remote);
  if (keypair == nullptr || remote->staged.size() == 0) return keypair;
  flush(now, remote, keypair);
  return keypair->sendCounter.action() == SendAction::refuse ? nullptr : keypair;  // that may have taken the last counters
}

uint64_t Sending::flush(Instant now, Remote* remote, Keypair* keypair) {
  if (!remote->endpoint.known()) return 0;
  uint64_t sent = 0;
  while (remote->staged.size() > 0 && keypair->sendCounter.action() != SendAction::refuse) {
    const auto packet = remote->staged.shift();
    if (packet->length > remote->largestPayload()) {
      tooBig(remote, packet->bytes(), packet->length, true);
      continue;
    }
    std::memcpy(addData(now, remote, keypair, packet->length), packet->bytes(), packet->length);
    sent++;
  }
  return sent;
}

void Sending::confirmToResponder(Instant now, Remote* remote, Keypair* keypair) {
  if (!remote->endpoint.known() || keypair->sendCounter.action() == SendAction::refuse) return;
  if (flush(now, remote, keypair) > 0) return;
  sendOwn(now, remote, keypair, nullptr, 0, remote->endpoint, remote->localAddress);
}

void Sending::sendOwn(Instant now, Remote* remote, Keypair* keypair, const uint8_t* payload, uint32_t length, const Endpoint& to,
                      const LocalAddress& from) {
  uint8_t* text = add(now, remote, keypair, length, to, from);
  if (length > 0) std::memcpy(text, payload, length);
  Activity& activity = state_->reports.of(remote);
  activity.anySent = true;
  if (length == 0) noteRecordSent(&activity);
}

uint8_t* Sending::addData(Instant now, Remote* remote, Keypair* keypair, uint32_t length) {
  const uint32_t padded = paddedLength(length, state_->mtu, remote->largestPayload());
  uint8_t* text = add(now, remote, keypair, padded, remote->endpoint, remote->localAddress);
  std::memset(text + length, 0, padded - length);
  Activity& activity = state_->reports.of(remote);
  activity.anySent = true;
  activity.dataSent = true;
  noteRecordSent(&activity);
  return text;
}

/** INVARIANT: the session is young enough and has a counter left; the counter has moved before anything is sealed. */
uint8_t* Sending::add(Instant now, Remote* remote, Keypair* keypair, uint32_t padded, const Endpoint& to,
                      const LocalAddress& from) {
  const bool mayGoOn = keypair->sendCounter.action() == SendAction::ok;
  const uint64_t counter = keypair->sendCounter.take();
  uint8_t* text = state_->trains.add(remote, keypair, to, from, counter, padded);
  remote->counters.bytesSent += padded + kTransportOverhead;
  remote->counters.packetsSent++;
  // T1: by messages either side, by time only the session's initiator
  const bool old = keypair->role == Role::initiator && keypair->age(now) > keypair->limits.rekeyAfterTime;
  if (old || !mayGoOn) state_->reports.limitNear(remote, keypair->localIndex);
  return text;
}

void Sending::stage(Remote* remote, const uint8_t* packet, uint32_t length) {
  state_->reports.wantsKey(remote);
  const uint32_t lost = remote->staged.push(packet, length);
  if (lost > 0) state_->reports.drop(Drop::stagingFull, lost);
}

void Sending::tooBig(Remote* remote, const uint8_t* packet, uint32_t length, bool answered) {
  state_->reports.tooBig(remote, length);
  state_->reports.drop(Drop::tooBig);
  if (!answered) return;
  uint8_t reply[kVirtioHeaderSize + kLargestTooBigReply];
  const uint32_t most = std::min(state_->mtu, remote->largestPayload());
  const uint32_t size = tooBigReply(packet, length, most, nullptr, reply + kVirtioHeaderSize);
  if (size == 0) return;
  const VirtioHeader header = plainHeader();
  std::memcpy(reply, &header, sizeof header);
  const iovec piece = {reply, kVirtioHeaderSize + size};
  state_->sink->writeTun(&piece, 1);
}

}  // namespace pqtun
