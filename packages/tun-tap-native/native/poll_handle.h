#pragma once

#include <uv.h>

#include <functional>
#include <memory>

#include "environment.h"
#include "os_error.h"

namespace tuntap {

/**
 * Watches one descriptor for input on the environment's loop. Does not own the descriptor: destroy this first, close the
 * descriptor afterwards. Level-triggered: what is left unread is reported again on the next turn of the loop.
 */
class PollHandle {
 public:
  /** `status` is 0, or a negative libuv error; then polling has stopped and start() resumes it. */
  using Callback = std::function<void(int status)>;

  static OsResult<std::unique_ptr<PollHandle>> open(std::shared_ptr<Environment> environment, int fd, Callback callback);
  /** May run inside the callback. No callback follows. */
  ~PollHandle();
  PollHandle(const PollHandle&) = delete;
  PollHandle& operator=(const PollHandle&) = delete;

  /** An active handle keeps the event loop alive, a stopped one does not. Both harmless when repeated. */
  OsError start();
  void stop();

 private:
  /** Outlives the PollHandle until libuv has closed the handle. */
  struct Watch {
    std::shared_ptr<Environment> environment;
    Callback callback;
  };

  explicit PollHandle(uv_poll_t* handle) : handle_(handle) {}
  static void onPoll(uv_poll_t* handle, int status, int events);

  uv_poll_t* handle_;
};

}  // namespace tuntap
