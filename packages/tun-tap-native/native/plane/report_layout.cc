#include "report_layout.h"

#include <cstring>

namespace pqtun {
namespace {

using namespace report_layout;

class Writer {
 public:
  void u32(uint32_t value) { writeLe32(room(4), value); }
  void u64(uint64_t value) { writeLe64(room(8), value); }
  void bytes(const uint8_t* from, size_t length) {
    if (length > 0) std::memcpy(room(length), from, length);
  }
  void place(const Endpoint& endpoint, const LocalAddress& local) { writePlace(room(kPlaceSize), endpoint, local); }
  void u32At(size_t at, uint32_t value) { writeLe32(&bytes_[at], value); }

  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  uint8_t* room(size_t length) {
    bytes_.resize(bytes_.size() + length);
    return bytes_.data() + bytes_.size() - length;
  }

  std::vector<uint8_t> bytes_;
};

uint32_t flagsOf(const Activity& activity) {
  const auto flag = [](bool set, ActivityFlag value) -> uint32_t { return set ? static_cast<uint32_t>(value) : 0; };
  return flag(activity.wantsKey, kWantsKey) | flag(activity.dataSent, kDataSent) | flag(activity.dataReceived, kDataReceived) |
         flag(activity.recordSent, kRecordSent) | flag(activity.anySent, kAnySent) | flag(activity.anyReceived, kAnyReceived) |
         flag(activity.roamed, kRoamed) | flag(activity.limitIsNear, kLimitNear) | flag(activity.tooBig != 0, kTooBig);
}

void write(Writer* to, const Remote& remote) {
  const Activity& activity = remote.activity;
  to->u32(remote.id);
  to->u32(flagsOf(activity));
  to->u32(activity.limitNear);
  to->u32(activity.tooBig);
  to->u32(static_cast<uint32_t>(activity.confirmed.size()));
  to->u32(static_cast<uint32_t>(activity.retired.size()));
  if (activity.roamed) to->place(activity.roamedTo, activity.roamedLocal);
  for (const Confirmation& each : activity.confirmed) {
    to->u32(each.index);
    to->u32(each.becameCurrent ? 1 : 0);
    to->bytes(each.timestamp, sizeof each.timestamp);
    to->place(each.endpoint, each.localAddress);
  }
  for (const SessionIndex index : activity.retired) to->u32(index);
}

void write(Writer* to, const Message& message) {
  const uint32_t control = message.lane == MessageLane::control ? 1 : 0;
  to->u32(control | (message.passed ? 1u << 8 : 0) | (message.proven ? 1u << 16 : 0));
  to->u32(message.key);
  to->u32(message.peer);
  to->u32(message.length);
  to->place(message.from, message.localAddress);
  to->bytes(message.bytes, message.length);
}

}  // namespace

std::vector<uint8_t> takeReports(PlaneReports* reports, uint32_t mostOfLane) {
  Writer to;
  to.u32(static_cast<uint32_t>(reports->active().size()));
  to.u32(0);
  to.u32(kDropReasons);
  to.u32(0);
  to.u64(reports->cookieReplies());
  for (size_t i = 0; i < kDropReasons; i++) to.u64(reports->drops(static_cast<Drop>(i)));
  for (const Remote* remote : reports->active()) write(&to, *remote);
  uint32_t messages = 0;
  Message message;
  reports->beginTurn(mostOfLane);
  while (reports->nextMessage(&message)) {
    write(&to, message);
    messages++;
  }
  reports->taken();
  to.u32At(4, messages);
  to.u32At(12, reports->pending() ? 1 : 0);
  return to.take();
}

}  // namespace pqtun
