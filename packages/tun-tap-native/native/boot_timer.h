#pragma once

#include <functional>
#include <memory>

#include "boot_time.h"
#include "environment.h"
#include "os_error.h"
#include "poll_handle.h"
#include "unique_fd.h"

namespace tuntap {

/** A one-shot timer on CLOCK_BOOTTIME, which counts what is slept through in suspend. Keeps the loop alive while armed. */
class BootTimer : public Resource, public std::enable_shared_from_this<BootTimer> {
 public:
  static OsResult<std::shared_ptr<BootTimer>> open(std::shared_ptr<Environment> environment);
  ~BootTimer() override { close(); }

  /**
   * Calls `expired` once when bootTime() has reached `deadline`, in milliseconds; a past one expires on the next turn of the
   * loop. Replaces the earlier deadline and function. The function is let go when it is called or disarmed, so that an idle
   * timer keeps nothing alive.
   */
  OsError arm(double deadline, std::function<void()> expired);
  /** Moves the deadline of an armed timer and keeps its function. */
  OsError rearm(double deadline);
  bool armed() const { return expired_ != nullptr; }
  /** No call of `expired` follows, even where the deadline has passed. */
  void disarm();
  void close() override;

 private:
  explicit BootTimer(std::shared_ptr<Environment> environment) : Resource(std::move(environment)) {}
  void turn();

  UniqueFd fd_;
  std::unique_ptr<PollHandle> poll_;
  std::shared_ptr<const std::function<void()>> expired_;
};

}  // namespace tuntap
