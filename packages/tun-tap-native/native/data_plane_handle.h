#pragma once

#include <functional>
#include <memory>
#include <string>

#include "environment.h"
#include "loop/plane_loop.h"
#include "os_error.h"
#include "poll_handle.h"

namespace tuntap {

struct DataPlaneEvents {
  /** There are reports or events to take. May close the plane. */
  std::function<void()> news;
  /** Packets have ceased to flow: said once. May close the plane. */
  std::function<void(OsError error)> lost;
};

/** A PlaneLoop as a resource of one JavaScript environment, whose event loop it calls and keeps alive while it is started. */
class DataPlaneHandle : public Resource, public std::enable_shared_from_this<DataPlaneHandle> {
 public:
  /** `aeadReason`, why no faster engine was chosen, is kept for who asks. */
  static OsResult<std::shared_ptr<DataPlaneHandle>> open(std::shared_ptr<Environment> environment, const PlaneLoopOptions& options,
                                                         std::string aeadReason);
  ~DataPlaneHandle() override { close(); }

  OsError start(DataPlaneEvents events);
  /** Ends the loop's thread, which takes a turn of it at most, and wipes all keys. */
  void close() override;

  /** As WithPlane of plane_verbs.h says. */
  bool withPlane(const std::function<void(pqtun::DataPlane&)>& act);

  /** `nullptr` after close(). */
  PlaneLoop* loop() const { return loop_.get(); }
  const std::string& aeadName() const { return aeadName_; }
  const std::string& aeadReason() const { return aeadReason_; }

 private:
  DataPlaneHandle(std::shared_ptr<Environment> environment, std::string aeadName, std::string aeadReason)
      : Resource(std::move(environment)), aeadName_(std::move(aeadName)), aeadReason_(std::move(aeadReason)) {}
  void turn();

  std::string aeadName_;
  std::string aeadReason_;
  std::unique_ptr<PlaneLoop> loop_;
  std::unique_ptr<PollHandle> poll_;
  std::shared_ptr<const DataPlaneEvents> events_;
};

}  // namespace tuntap
