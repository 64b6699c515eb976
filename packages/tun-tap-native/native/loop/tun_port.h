#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <string>

#include "../plane/virtio_header.h"
#include "loop_counters.h"
#include "offloads.h"
#include "os_error.h"
#include "slab.h"
#include "unique_fd.h"

namespace tuntap {

/** What became of a frame that was to be written. */
enum class TunWrite : uint8_t {
  taken,
  /** EINVAL: the kernel does not like the frame. Written again in pieces, it may. */
  refused,
  /** No room, or the interface is down: lost, as on any interface. */
  dropped,
  /** There is no device any more. */
  gone,
};

/**
 * The TUN of a data plane: frames with a virtio header in front, also where the device has none. Which of the TUN's offloads the kernel
 * takes is found out by open(); what it refuses later is turned off in `offloads`. Not thread-safe: the loop's lock is held.
 */
class TunPort {
 public:
  /** The longest frame there can be: an IPv6 payload of 65,535 B behind its header, and the virtio header. */
  static constexpr size_t kLongestFrame = pqtun::kVirtioHeaderSize + 40 + 65535;

  /**
   * Creates a device, attaches to a persistent one, or adopts `fd` if that is not -1, which stays the caller's when this fails.
   * EINVAL of TUNGETIFF: what was to be adopted is a TAP, or has packet information (no IFF_NO_PI).
   */
  static OsResult<std::unique_ptr<TunPort>> open(const std::string& name, int fd, Offloads* offloads, LoopCounters* counters);

  /** What open() would find of the TUN's offloads, as far as the kernel tells without a device. */
  static void test(Offloads* offloads);

  /**
   * Reads one frame into memory of the port, which the next read overwrites: `*frame` is that, and its length is returned, virtio
   * header included. 0: there is none now. -1: reading has ended, `error()` says why.
   */
  int32_t read(uint8_t** frame);

  /** Writes one frame, in pieces, the first of which begins with the virtio header; all are read before this returns. */
  TunWrite write(const iovec* pieces, uint32_t count);

  int fd() const { return fd_.get(); }
  /** Gives an adopted descriptor back to whoever passed it. */
  void release() { fd_.release(); }
  const std::string& name() const { return name_; }
  /** 0 when an adopted device is in another network namespace. */
  uint32_t interfaceIndex() const { return interfaceIndex_; }
  /** Why there is no device any more; success as long as there is. */
  const OsError& error() const { return error_; }

 private:
  TunPort(Offloads* offloads, LoopCounters* counters) : offloads_(offloads), counters_(counters) {}
  OsError create(const std::string& name);
  OsError adopt(int fd);
  void settleOffloads();
  bool setOffloads(unsigned flags);
  ssize_t writePieces(const iovec* pieces, uint32_t count);

  Offloads* offloads_;
  LoopCounters* counters_;
  UniqueFd fd_;
  /** Whether the device itself has the virtio header. An adopted one may have it though the operator wants no use made of it. */
  bool hasHeader_ = false;
  std::string name_;
  uint32_t interfaceIndex_ = 0;
  std::shared_ptr<Slab> slab_;
  OsError error_;
};

}  // namespace tuntap
