#include "turn_lock.h"

namespace tuntap {

void TurnLock::lock() {
  std::unique_lock<std::mutex> hold(mutex_);
  const uint64_t ticket = next_++;
  served_.wait(hold, [&] { return serving_ == ticket; });
}

void TurnLock::unlock() {
  bool wanted;
  {
    const std::lock_guard<std::mutex> hold(mutex_);
    ++serving_;
    wanted = serving_ != next_;
  }
  // All of them: only one finds that it is its turn, and with two threads there is only one.
  if (wanted) served_.notify_all();
}

uint64_t TurnLock::waiting() {
  const std::lock_guard<std::mutex> hold(mutex_);
  return next_ == serving_ ? 0 : next_ - serving_ - 1;
}

}  // namespace tuntap
