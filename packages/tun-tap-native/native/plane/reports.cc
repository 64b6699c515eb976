#include "reports.h"

#include <algorithm>
#include <cstring>

namespace pqtun {

void PlaneReports::begin(Remote* remote) {
  remote->active = true;
  active_.push_back(remote);
  pending_ = true;
}

void PlaneReports::wantsKey(Remote* remote) {
  // Where packets wait already, the engine has been told, and either a handshake is under way or one has been given up.
  if (remote->staged.size() == 0) urgent_ = true;
  of(remote).wantsKey = true;
}

void PlaneReports::retired(Remote* remote, SessionIndex index) {
  of(remote).retired.push_back(index);
  urgent_ = true;
}

void PlaneReports::confirmed(Remote* remote, const Confirmation& confirmation) {
  of(remote).confirmed.push_back(confirmation);
  urgent_ = true;
}

void PlaneReports::roamed(Remote* remote) {
  Activity& activity = of(remote);
  activity.roamed = true;
  activity.roamedTo = remote->endpoint;
  activity.roamedLocal = remote->localAddress;
  urgent_ = true;
}

void PlaneReports::limitNear(Remote* remote, SessionIndex index) {
  Activity& activity = of(remote);
  activity.limitIsNear = true;
  activity.limitNear = index;
  if (remote->limitTold && remote->toldLimit == index) return;
  remote->limitTold = true;
  remote->toldLimit = index;
  urgent_ = true;
}

void PlaneReports::tooBig(Remote* remote, uint32_t length) {
  of(remote).tooBig = length;
  if (remote->toldTooBig == length) return;
  remote->toldTooBig = length;
  urgent_ = true;
}

void PlaneReports::forget(Remote* remote) {
  if (!remote->active) return;
  remote->active = false;
  active_.erase(std::find(active_.begin(), active_.end(), remote));
}

void PlaneReports::push(const Message& message) {
  if (queue_.push(message) != Drop::none) return drop(Drop::queueFull);
  (message.lane == MessageLane::control ? controlsQueued_ : handshakesQueued_)++;
  pending_ = true;
  urgent_ = true;
}

bool PlaneReports::nextMessage(Message* message) {
  if (!queue_.next(message)) return false;
  (message->lane == MessageLane::control ? controlsQueued_ : handshakesQueued_)--;
  return true;
}

void PlaneReports::taken() {
  for (Remote* remote : active_) {
    remote->active = false;
    remote->activity = Activity();
  }
  active_.clear();
  std::memset(drops_, 0, sizeof drops_);
  cookieReplies_ = 0;
  pending_ = urgent_ = !queue_.empty();
}

}  // namespace pqtun
