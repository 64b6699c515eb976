#pragma once

#include <node_api.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "environment.h"
#include "os_error.h"
#include "poll_handle.h"
#include "slab.h"
#include "unique_fd.h"

/** Adds the packet capture functions (src/capture.ts) to the addon's exports. */
void initCapture(napi_env env, napi_value exports);

namespace tuntap {

/** Where one frame lies in the slab. JavaScript reads this table as triples of 32-bit words. */
struct FramePosition {
  uint32_t offset;
  uint32_t length;
  /** 1 when this interface sent it, 0 when it came in. */
  uint32_t outgoing;
};

/** Every frame of one interface, both directions (AF_PACKET), in batches on the event loop. */
class Capture : public Resource {
 public:
  /** `count` frames lie in the slab where the table says, until this returns. May close the capture. */
  using OnFrames = std::function<void(uint32_t count)>;

  /** Frames are kept by the kernel from here on, until its buffer is full. */
  static OsResult<std::shared_ptr<Capture>> open(std::shared_ptr<Environment> environment, const std::string& device);
  ~Capture() override { close(); }

  /** Replaces an earlier callback. EBADF after close(). */
  OsError start(OnFrames onFrames);
  /** Frames lost for lack of room since the last call. */
  OsResult<uint64_t> dropped();
  void close() override;

  const std::shared_ptr<Slab>& slab() const { return slab_; }
  const std::shared_ptr<Slab>& table() const { return table_; }

 private:
  explicit Capture(std::shared_ptr<Environment> environment) : Resource(std::move(environment)) {}
  OsError bindTo(const std::string& device);
  void turn(int status);
  uint32_t readBatch();

  UniqueFd fd_;
  std::unique_ptr<PollHandle> poll_;
  std::shared_ptr<const OnFrames> onFrames_;
  std::shared_ptr<Slab> slab_;
  std::shared_ptr<Slab> table_;
  /** Frames that did not fit a slot. */
  uint64_t cut_ = 0;
};

}  // namespace tuntap
