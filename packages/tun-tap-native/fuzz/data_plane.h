#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "../native/plane/aead.h"
#include "../native/plane/data_plane.h"
#include "../native/plane/inner_packet.h"
#include "../native/plane/little_endian.h"
#include "../native/plane/report_layout.h"
#include "../native/plane/reports.h"
#include "../native/plane/virtio_header.h"
#include "input.h"

/* A plane with live sessions for the targets that drive all of it, and what must hold of whatever leaves it. */

constexpr uint32_t kPeers = 3;
constexpr uint32_t kOverhead = 32;

/** Sends are records in trains that the kernel would take, no counter twice; writes are frames that whoever reads them accepts. */
class CheckingSink final : public pqtun::PlaneSink {
 public:
  void sendTrain(const pqtun::Train& train) override {
    require(train.to.known() && train.count >= 1 && train.count <= pqtun::kMostSegments);
    require(train.length <= pqtun::kMostTrainBytes && train.segmentSize >= kOverhead);
    require((train.length + train.segmentSize - 1) / train.segmentSize == train.count);
    for (uint32_t at = 0; at < train.length; at += train.segmentSize) {
      const uint32_t length = train.length - at < train.segmentSize ? train.length - at : train.segmentSize;
      require(length >= kOverhead && pqtun::readLe32(train.bytes + at) == 4);
      checkRecord({train.bytes + at, train.bytes + at + length});
    }
  }
  void sendDatagram(const pqtun::Endpoint&, const pqtun::LocalAddress&, const uint8_t*, uint32_t length) override {
    require(length == 64);  // only cookie replies come of what arrives
  }
  bool writeTun(const iovec* pieces, uint32_t count) override {
    std::vector<uint8_t> frame;
    for (uint32_t i = 0; i < count; i++) {
      const auto* bytes = static_cast<const uint8_t*>(pieces[i].iov_base);
      frame.insert(frame.end(), bytes, bytes + pieces[i].iov_len);
    }
    pqtun::TunFrame parsed;
    require(pqtun::parseFrame(frame.data(), frame.size(), &parsed) == pqtun::FrameRefusal::none);
    require(parsed.length + pqtun::kVirtioHeaderSize == frame.size());
    return !(count > 1 && refusing);
  }

  bool refusing = false;
  /** Keys of the far ends, by their index; a record opens with them, or the run is over. */
  std::map<uint32_t, std::unique_ptr<pqtun::RecordCipher>> farKeys;

 private:
  void checkRecord(std::vector<uint8_t> record) {
    const uint32_t index = pqtun::readLe32(&record[4]);
    const uint64_t counter = pqtun::readLe64(&record[8]);
    const auto key = farKeys.find(index);
    require(key != farKeys.end());
    require(next_[index] <= counter);
    next_[index] = counter + 1;
    pqtun::Record opened = {&record[16], static_cast<uint32_t>(record.size()) - kOverhead, counter, false};
    require(key->second->open(&opened, 1) == 1);
    if (opened.length == 0 || opened.text[0] < 0x10) return;
    require(pqtun::innerLength(opened.text, opened.length) > 0);
  }

  std::map<uint32_t, uint64_t> next_;
};

/** Peer n has 10.n.0.0/16 and a session; peer 2's waits for its first packet, peer 3's is classical. Indices are new for each input. */
class LivePlane {
 public:
  LivePlane() : plane_(options(), &sink) {}

  /** Peers, routes and sessions anew. One plane serves all inputs: its tables are large. */
  void renew() {
    plane_.flush(now);
    sink.farKeys.clear();
    for (uint32_t peer = 1; peer <= kPeers; peer++) {
      plane_.removePeer(now, peer);
      pqtun::PeerSettings settings = {};
      settings.setsEndpoint = true;
      settings.endpoint = place(static_cast<uint8_t>(peer));
      plane_.setPeer(peer, settings);
      pqtun::DataPlane::PeerRoute route = {pqtun::RouteChange::Kind::kAdd, peer, 4, 16, {10, static_cast<uint8_t>(peer)}};
      require(plane_.setRoutes(&route, 1));
      install(peer);
    }
    take();
  }

  static pqtun::Endpoint place(uint8_t n) { return {{192, 0, 2, n}, 4, 51820, 0}; }

  /** A record of the far end of that peer's session, rightly sealed. */
  std::vector<uint8_t> seal(uint32_t peer, uint64_t counter, const std::vector<uint8_t>& payload) {
    std::vector<uint8_t> record(payload.size() + kOverhead);
    pqtun::writeLe32(record.data(), 4);
    pqtun::writeLe32(record.data() + 4, indexOf(peer));
    pqtun::writeLe64(record.data() + 8, counter);
    if (!payload.empty()) std::memcpy(record.data() + 16, payload.data(), payload.size());
    pqtun::Record one = {record.data() + 16, static_cast<uint32_t>(payload.size()), counter, false};
    require(sealing_[peer]->seal(&one, 1) == 1);
    return record;
  }

  uint32_t indexOf(uint32_t peer) const { return base_ + peer; }
  void take() { pqtun::takeReports(&plane_.reports(), UINT32_MAX); }
  pqtun::DataPlane& plane() { return plane_; }

  CheckingSink sink;
  double now = 1000;

 private:
  static pqtun::PlaneOptions options() {
    return {pqtun::offerEvpAead().engine, 1420, {1, 2}, true, true, true, true};
  }

  void install(uint32_t peer) {
    if (peer == 1) base_ += kPeers;
    const std::vector<uint8_t> out(32, static_cast<uint8_t>(peer));
    const std::vector<uint8_t> in(32, static_cast<uint8_t>(100 + peer));
    const auto* engine = pqtun::offerEvpAead().engine;
    sealing_[peer] = engine->makeCipher(in.data());
    sink.farKeys[0x80000000 + indexOf(peer)] = engine->makeCipher(out.data());
    pqtun::SessionInstall session = {};
    session.peer = peer;
    session.role = peer == 2 ? pqtun::Role::responder : pqtun::Role::initiator;
    session.localIndex = indexOf(peer);
    session.remoteIndex = 0x80000000 + indexOf(peer);
    session.sendKey = out.data();
    session.receiveKey = in.data();
    session.bornAt = now;
    session.limits = {120e3, 180e3, 165e3, 1000, 2000};
    session.kind = peer == 3 ? pqtun::SessionKind::classical : pqtun::SessionKind::hybrid;
    plane_.install(now, session);
  }

  uint32_t base_ = 0;
  std::unique_ptr<pqtun::RecordCipher> sealing_[kPeers + 1];
  pqtun::DataPlane plane_;
};
