#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace tuntap {

/**
 * A mutex that is handed over in the order in which it was asked for. The loop of a data plane takes it again at once after each
 * turn, and a std::mutex would then go to the loop every time: who waits would wait for ever. Here a verb from JavaScript waits for
 * one turn at most. For std::lock_guard; not recursive.
 */
class TurnLock {
 public:
  TurnLock() = default;
  TurnLock(const TurnLock&) = delete;
  TurnLock& operator=(const TurnLock&) = delete;

  void lock();
  void unlock();

  /** How many wait for it at this moment. */
  uint64_t waiting();

 private:
  std::mutex mutex_;
  std::condition_variable served_;
  /** The next ticket, and the one that has its turn: equal when nobody has the lock. */
  uint64_t next_ = 0;
  uint64_t serving_ = 0;
};

}  // namespace tuntap
