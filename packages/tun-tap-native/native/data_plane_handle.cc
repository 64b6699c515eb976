#include "data_plane_handle.h"

#include <utility>

namespace tuntap {

OsResult<std::shared_ptr<DataPlaneHandle>> DataPlaneHandle::open(std::shared_ptr<Environment> environment,
                                                                 const PlaneLoopOptions& options, std::string aeadReason) {
  std::shared_ptr<DataPlaneHandle> handle(new DataPlaneHandle(environment, options.aead->name(), std::move(aeadReason)));
  auto loop = PlaneLoop::open(options);
  if (loop.error) return loop.error;
  DataPlaneHandle* self = handle.get();
  auto poll = PollHandle::open(std::move(environment), loop.value->wakeUpFd(), [self](int) { self->turn(); });
  if (poll.error) {
    loop.value->releaseTun(options);
    return poll.error;
  }
  handle->loop_ = std::move(loop.value);
  handle->poll_ = std::move(poll.value);
  return handle;
}

OsError DataPlaneHandle::start(DataPlaneEvents events) {
  if (!loop_) return {EBADF, "start"};
  if (const OsError error = loop_->start()) return error;
  events_ = std::make_shared<const DataPlaneEvents>(std::move(events));
  return poll_->start();
}

bool DataPlaneHandle::withPlane(const std::function<void(pqtun::DataPlane&)>& act) {
  if (!loop_) return false;
  PlaneLoop::Verb verb(loop_.get());
  act(verb.plane());
  return true;
}

void DataPlaneHandle::turn() {
  // Either function may close this, and drop its last owner.
  const std::shared_ptr<DataPlaneHandle> self = shared_from_this();
  const std::shared_ptr<const DataPlaneEvents> events = events_;
  loop_->acknowledge();
  if (!events) return;
  if (const OsError error = loop_->takeLost()) events->lost(error);
  if (events_ == events) events->news();
}

void DataPlaneHandle::close() {
  events_.reset();
  poll_.reset();
  loop_.reset();
}

}  // namespace tuntap
