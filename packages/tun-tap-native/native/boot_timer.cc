#include "boot_timer.h"

#include <sys/timerfd.h>

#include <cmath>
#include <cstdint>
#include <ctime>
#include <utility>

namespace tuntap {

namespace {

// 146 years: far enough for "never", and small enough for every sum in the kernel.
constexpr double kFurthest = 4.6e12;

/** Rounded up, so that bootTime() has reached the deadline when the timer expires. Zero would disarm: never below 1 ns. */
timespec toTimespec(double milliseconds) {
  const double bounded = std::fmin(std::fmax(milliseconds, 0), kFurthest);
  const double seconds = std::floor(bounded / 1000);
  const auto nanoseconds = static_cast<int64_t>(std::ceil((bounded - seconds * 1000) * 1e6));
  timespec result{};
  result.tv_sec = static_cast<time_t>(seconds) + nanoseconds / 1000000000;
  result.tv_nsec = nanoseconds % 1000000000;
  if (result.tv_sec == 0 && result.tv_nsec == 0) result.tv_nsec = 1;
  return result;
}

}  // namespace

double bootTime() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec) / 1e6;
}

OsResult<std::shared_ptr<BootTimer>> BootTimer::open(std::shared_ptr<Environment> environment) {
  std::shared_ptr<BootTimer> timer(new BootTimer(environment));
  timer->fd_.reset(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer->fd_.valid()) return OsError::last("timerfd_create");
  BootTimer* self = timer.get();
  auto poll = PollHandle::open(std::move(environment), timer->fd_.get(), [self](int) { self->turn(); });
  if (poll.error) return poll.error;
  timer->poll_ = std::move(poll.value);
  return timer;
}

OsError BootTimer::arm(double deadline, std::function<void()> expired) {
  if (!fd_.valid()) return {EBADF, "timerfd_settime"};
  expired_ = std::make_shared<const std::function<void()>>(std::move(expired));
  return rearm(deadline);
}

OsError BootTimer::rearm(double deadline) {
  if (!fd_.valid()) return {EBADF, "timerfd_settime"};
  itimerspec setting{};
  setting.it_value = toTimespec(deadline);
  if (::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &setting, nullptr) < 0) return OsError::last("timerfd_settime");
  return poll_->start();
}

void BootTimer::disarm() {
  if (!fd_.valid()) return;
  const itimerspec never{};
  ::timerfd_settime(fd_.get(), 0, &never, nullptr);
  poll_->stop();
  expired_.reset();
}

void BootTimer::turn() {
  uint64_t expirations = 0;
  // EAGAIN: armed anew since the loop saw it expire. The new deadline is still to come.
  if (::read(fd_.get(), &expirations, sizeof expirations) < 0) return;
  poll_->stop();
  // The function may arm or close the timer and drop its last owner.
  const std::shared_ptr<BootTimer> self = shared_from_this();
  const std::shared_ptr<const std::function<void()>> expired = std::move(expired_);
  (*expired)();
}

void BootTimer::close() {
  expired_.reset();
  poll_.reset();
  fd_.reset();
}

}  // namespace tuntap
