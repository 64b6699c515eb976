#include "poll_handle.h"

#include <cstdlib>
#include <utility>

namespace tuntap {

OsResult<std::unique_ptr<PollHandle>> PollHandle::open(std::shared_ptr<Environment> environment, int fd, Callback callback) {
  // The size is asked of the libuv that runs, not of the header this was built with: a newer one may be larger.
  auto* handle = static_cast<uv_poll_t*>(std::calloc(1, uv_handle_size(UV_POLL)));
  if (handle == nullptr) return OsError{ENOMEM, "calloc"};
  const int status = uv_poll_init(environment->loop(), handle, fd);
  if (status != 0) {
    std::free(handle);
    return OsError{-status, "uv_poll_init"};
  }
  environment->handleOpened();
  handle->data = new Watch{std::move(environment), std::move(callback)};
  return std::unique_ptr<PollHandle>(new PollHandle(handle));
}

PollHandle::~PollHandle() {
  uv_close(reinterpret_cast<uv_handle_t*>(handle_), [](uv_handle_t* closed) {
    auto* watch = static_cast<Watch*>(closed->data);
    std::free(closed);
    // The environment may end with this call: keep it until it returns.
    const std::shared_ptr<Environment> environment = watch->environment;
    delete watch;
    environment->handleClosed();
  });
}

OsError PollHandle::start() {
  const int status = uv_poll_start(handle_, UV_READABLE, onPoll);
  return status == 0 ? OsError{} : OsError{-status, "uv_poll_start"};
}

void PollHandle::stop() { uv_poll_stop(handle_); }

void PollHandle::onPoll(uv_poll_t* handle, int status, int) { static_cast<Watch*>(handle->data)->callback(status); }

}  // namespace tuntap
