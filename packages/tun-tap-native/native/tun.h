#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "environment.h"
#include "os_error.h"
#include "poll_handle.h"
#include "slab.h"
#include "unique_fd.h"

namespace tuntap {

struct TunOptions {
  std::string name;
  bool tap = false;
  /** To adopt, or -1. Stays the caller's when open() fails. */
  int fd = -1;
  uint32_t headroom = 0;
  uint32_t tailroom = 0;
  uint32_t batch = 64;
};

struct TunEvents {
  /** `count` packets lie in the slab where the table says, until this returns. May close the device. */
  std::function<void(uint32_t count)> packets;
  /** Reading has ended; nothing follows. */
  std::function<void(OsError error)> error;
};

/** Where one packet lies in the slab. JavaScript reads this table as pairs of 32-bit words. */
struct PacketPosition {
  uint32_t offset;
  uint32_t length;
};

struct TunCounters {
  uint64_t packetsRead = 0;
  uint64_t packetsWritten = 0;
  uint64_t packetsRefused = 0;
};

/** One TUN or TAP device read in batches on the event loop. Frames carry no extra header (IFF_NO_PI, no IFF_VNET_HDR). */
class Tun : public Resource, public std::enable_shared_from_this<Tun> {
 public:
  static OsResult<std::shared_ptr<Tun>> open(std::shared_ptr<Environment> environment, const TunOptions& options);
  ~Tun() override { close(); }

  OsError start(TunEvents events);
  void stop();
  /** Hands one packet to the kernel, which copies it. */
  bool write(const uint8_t* packet, size_t length);
  void close() override;

  bool closed() const { return !fd_.valid(); }
  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }
  bool tap() const { return tap_; }
  /** 0 when the device lives in another network namespace (an adopted descriptor may). */
  uint32_t interfaceIndex() const { return interfaceIndex_; }
  const TunCounters& counters() const { return counters_; }
  const std::shared_ptr<Slab>& slab() const { return slab_; }
  const std::shared_ptr<Slab>& table() const { return table_; }

 private:
  Tun(std::shared_ptr<Environment> environment, const TunOptions& options);
  OsError create(const TunOptions& options);
  OsError adopt(const TunOptions& options);
  OsError prepare();
  void turn(int status);
  uint32_t readBatch(OsError* fatal);

  UniqueFd fd_;
  std::unique_ptr<PollHandle> poll_;
  std::shared_ptr<const TunEvents> events_;
  std::shared_ptr<Slab> slab_;
  std::shared_ptr<Slab> table_;
  std::string name_;
  bool tap_;
  uint32_t headroom_;
  uint32_t tailroom_;
  uint32_t batch_;
  uint32_t interfaceIndex_ = 0;
  TunCounters counters_;
};

}  // namespace tuntap
