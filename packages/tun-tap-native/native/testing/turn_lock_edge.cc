#include "../loop/turn_lock.h"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "testing.h"

namespace pqtun::testing {
namespace {

/**
 * contend(rounds) → how often the loop got the lock twice in a row although a verb had asked for it in between. The loop, in a
 * thread of its own, keeps the lock until somebody waits for it and takes it again at once.
 */
napi_value contend(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int64_t rounds = arguments.integer(0, "rounds", 1, 1000000);
  if (!arguments.ok()) return nullptr;
  tuntap::TurnLock lock;
  std::atomic<bool> done{false};
  // Under the lock alone: a race here is one that a sanitizer of threads would see.
  int64_t overtaken = 0;
  bool verbOwed = false;
  std::thread loop([&] {
    while (!done) {
      const std::lock_guard<tuntap::TurnLock> turn(lock);
      if (verbOwed) ++overtaken;
      while (!done && lock.waiting() == 0) std::this_thread::yield();
      verbOwed = lock.waiting() != 0;
    }
  });
  for (int64_t i = 0; i < rounds; ++i) {
    const std::lock_guard<tuntap::TurnLock> verb(lock);
    verbOwed = false;
  }
  done = true;
  loop.join();
  return tuntap::makeNumber(env, static_cast<double>(overtaken));
}

/** count(threads, rounds) → how far so many threads have counted together */
napi_value count(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int64_t threads = arguments.integer(0, "threads", 1, 16);
  const int64_t rounds = arguments.integer(1, "rounds", 1, 1000000);
  if (!arguments.ok()) return nullptr;
  tuntap::TurnLock lock;
  int64_t sum = 0;
  std::vector<std::thread> all;
  for (int64_t i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      for (int64_t round = 0; round < rounds; ++round) {
        const std::lock_guard<tuntap::TurnLock> turn(lock);
        ++sum;
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  return tuntap::makeNumber(env, static_cast<double>(sum));
}

}  // namespace

void addTurnLock(napi_env env, napi_value exports) {
  addEdge(env, exports, "turnLock", {{"contend", contend}, {"count", count}});
}

}  // namespace pqtun::testing
