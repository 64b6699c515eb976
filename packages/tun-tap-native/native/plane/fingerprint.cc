#include "fingerprint.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "plane_state.h"

namespace pqtun {
namespace {

/** JSON, member by member. */
class Json {
 public:
  std::string text;

  void key(const char* name) {
    separate();
    text += '"';
    text += name;
    text += "\":";
    first_ = true;
  }
  void open(char bracket) {
    separate();
    text += bracket;
    first_ = true;
  }
  void close(char bracket) {
    text += bracket;
    first_ = false;
  }
  void number(uint64_t value) {
    separate();
    text += std::to_string(value);
  }
  void instant(double value) {
    separate();
    char written[32];
    std::snprintf(written, sizeof written, "%.17g", value);
    text += written;
  }
  void string(const std::string& value) {
    separate();
    text += '"' + value + '"';
  }
  void boolean(bool value) {
    separate();
    text += value ? "true" : "false";
  }
  void bytes(const uint8_t* values, size_t count) {
    open('[');
    for (size_t i = 0; i < count; i++) number(values[i]);
    close(']');
  }

 private:
  void separate() {
    if (!first_) text += ',';
    first_ = false;
  }

  bool first_ = true;
};

void write(Json* json, const Endpoint& endpoint) {
  json->open('{');
  json->key("ip");
  json->bytes(endpoint.ip, endpoint.ipSize);
  json->key("port");
  json->number(endpoint.port);
  json->key("scope");
  json->number(endpoint.scope);
  json->close('}');
}

void write(Json* json, const LocalAddress& local) {
  json->open('{');
  json->key("ip");
  json->bytes(local.ip, local.ipSize);
  json->key("interfaceIndex");
  json->number(local.interfaceIndex);
  json->close('}');
}

void writePlace(Json* json, const Endpoint& endpoint, const LocalAddress& local) {
  if (endpoint.known()) {
    json->key("endpoint");
    write(json, endpoint);
  }
  if (local.known()) {
    json->key("localAddress");
    write(json, local);
  }
}

/** Distances below the highest counter that have been seen, as ranges. */
std::string seenBelowHighest(const ReplayWindow& window) {
  std::string ranges;
  const uint64_t end = std::min(ReplayWindow::kReach + 1, window.next());
  uint64_t first = end;
  for (uint64_t distance = 0; distance <= end; distance++) {
    const bool seen = distance < end && !window.check(window.next() - 1 - distance);
    if (seen && first == end) first = distance;
    if (seen || first == end) continue;
    ranges += (ranges.empty() ? "" : " ") + std::to_string(first) + '-' + std::to_string(distance - 1);
    first = end;
  }
  return ranges;
}

void write(Json* json, const Keypair& keypair) {
  json->open('{');
  json->key("index");
  json->number(keypair.localIndex);
  json->key("remoteIndex");
  json->number(keypair.remoteIndex);
  if (keypair.confirmed) {
    json->key("confirmedAt");
    json->instant(keypair.confirmedAt);
  }
  json->key("nextToSend");
  json->number(keypair.sendCounter.next());
  json->key("nextToReceive");
  json->number(keypair.window.next());
  json->key("seen");
  json->string(seenBelowHighest(keypair.window));
  json->close('}');
}

void write(Json* json, PeerId peer, const Activity& activity) {
  json->open('{');
  json->key("peer");
  json->number(peer);
  const std::pair<const char*, bool> flags[] = {
      {"wantsKey", activity.wantsKey},     {"dataSent", activity.dataSent}, {"dataReceived", activity.dataReceived},
      {"recordSent", activity.recordSent}, {"anySent", activity.anySent},   {"anyReceived", activity.anyReceived},
  };
  for (const auto& [name, value] : flags) {
    json->key(name);
    json->boolean(value);
  }
  json->key("confirmed");
  json->open('[');
  for (const Confirmation& each : activity.confirmed) {
    json->open('{');
    json->key("index");
    json->number(each.index);
    writePlace(json, each.endpoint, each.localAddress);
    json->key("timestamp");
    json->bytes(each.timestamp, kTimestampSize);
    json->key("became");
    json->string(each.becameCurrent ? "current" : "previous");
    json->close('}');
  }
  json->close(']');
  json->key("retired");
  json->open('[');
  for (const SessionIndex index : activity.retired) json->number(index);
  json->close(']');
  if (activity.roamed) {
    json->key("roamed");
    json->open('{');
    writePlace(json, activity.roamedTo, activity.roamedLocal);
    json->close('}');
  }
  if (activity.limitIsNear) {
    json->key("limitNear");
    json->number(activity.limitNear);
  }
  if (activity.tooBig != 0) {
    json->key("tooBig");
    json->number(activity.tooBig);
  }
  json->close('}');
}

void write(Json* json, const Remote& remote) {
  const Keypairs& keypairs = remote.keypairs;
  json->open('{');
  json->key("id");
  json->number(remote.id);
  writePlace(json, remote.endpoint, remote.localAddress);
  if (remote.pathMtu != 0) {
    json->key("pathMtu");
    json->number(remote.pathMtu);
  }
  if (remote.kindKnown) {
    json->key("kind");
    json->string(remote.kind == SessionKind::hybrid ? "hybrid" : "classical");
  }
  if (keypairs.current() != nullptr) {
    json->key("current");
    write(json, *keypairs.current());
  }
  if (keypairs.previous() != nullptr) {
    json->key("previous");
    write(json, *keypairs.previous());
  }
  json->key("nexts");
  json->open('[');
  for (uint32_t i = 0; i < keypairs.nextCount(); i++) write(json, *keypairs.next(i));
  json->close(']');
  if (keypairs.storedTimestamp() != nullptr) {
    json->key("storedTimestamp");
    json->bytes(keypairs.storedTimestamp(), kTimestampSize);
  }
  json->key("staged");
  json->open('[');
  json->number(remote.staged.size());
  json->number(remote.staged.bytes());
  json->close(']');
  json->key("counters");
  json->open('{');
  json->key("bytesReceived");
  json->number(remote.counters.bytesReceived);
  json->key("bytesSent");
  json->number(remote.counters.bytesSent);
  json->key("packetsReceived");
  json->number(remote.counters.packetsReceived);
  json->key("packetsSent");
  json->number(remote.counters.packetsSent);
  json->close('}');
  if (remote.active) {
    json->key("activity");
    write(json, remote.id, remote.activity);
  }
  json->close('}');
}

}  // namespace

std::string fingerprint(const PlaneState& state, uint32_t waiting) {
  std::vector<const Remote*> remotes;
  for (const auto& remote : state.remotes) {
    if (remote != nullptr) remotes.push_back(remote.get());
  }
  std::sort(remotes.begin(), remotes.end(), [](const Remote* a, const Remote* b) { return a->id < b->id; });
  Json json;
  json.open('{');
  json.key("peers");
  json.open('[');
  for (const Remote* remote : remotes) write(&json, *remote);
  json.close(']');
  json.key("sessions");
  json.number(state.sessions.size());
  json.key("erasedByAge");
  json.number(state.sessions.agedSize());
  json.key("stagedBytes");
  json.number(state.staging.bytes);
  json.key("outputs");
  json.number(waiting);
  json.key("handshakes");
  json.number(state.reports.handshakesQueued());
  json.key("controls");
  json.number(state.reports.controlsQueued());
  json.close('}');
  return json.text;
}

}  // namespace pqtun
