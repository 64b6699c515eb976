#include "send_failures.h"

#include <algorithm>
#include <utility>

namespace tuntap {

void SendFailures::add(const pqtun::Endpoint& to, int code, bool transport, uint32_t length, uint64_t count) {
  for (SendFailure& failure : failures_) {
    if (failure.code != code || failure.transport != transport || failure.to != to) continue;
    failure.length = std::min(failure.length, length);
    failure.count += count;
    return;
  }
  if (failures_.size() < kMost) failures_.push_back({to, code, transport, length, count});
}

std::vector<SendFailure> SendFailures::take() { return std::exchange(failures_, {}); }

}  // namespace tuntap
