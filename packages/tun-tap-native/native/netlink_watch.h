// Notices of the kernel that links, addresses or routes changed, on the event loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "environment.h"
#include "netlink_changes.h"
#include "os_error.h"
#include "poll_handle.h"
#include "unique_fd.h"

namespace tuntap::netlink {

class Watch : public Resource {
 public:
  /** `onChange` gets the union of all notices of one turn of the loop; it may close the watch. */
  using OnChange = std::function<void(uint32_t changes)>;

  static OsResult<std::shared_ptr<Watch>> open(std::shared_ptr<Environment> environment, OnChange onChange);
  ~Watch() override { close(); }
  void close() override;

 private:
  explicit Watch(std::shared_ptr<Environment> environment) : Resource(std::move(environment)) {}
  OsError subscribe();
  void turn(int status);
  uint32_t drain();

  UniqueFd fd_;
  std::unique_ptr<PollHandle> poll_;
  std::shared_ptr<const OnChange> onChange_;
};

}  // namespace tuntap::netlink
