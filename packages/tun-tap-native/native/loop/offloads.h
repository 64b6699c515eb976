#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tuntap {

/** What the kernel can do for a data plane, each of which can be missing alone. The order is that of src/data-plane.ts. */
enum class Offload : uint8_t {
  /** The header before each packet of the TUN, without which there are no super-frames and no checksums left to us. */
  vnetHeader,
  /** The kernel leaves checksums to us, and completes ours. */
  checksum,
  /** TCP super-frames, read and written. */
  tso,
  /** UDP super-frames. */
  uso,
  /** UDP_SEGMENT: a train is one system call. */
  udpGso,
  /** UDP_GRO: so on receive. */
  udpGro,
};
constexpr size_t kOffloads = 6;

/** As the operator names it. */
const char* offloadName(Offload offload);

constexpr uint32_t offloadBit(Offload offload) { return 1u << static_cast<unsigned>(offload); }
constexpr uint32_t kAllOffloads = (1u << kOffloads) - 1;

/**
 * Which offloads are in use, and why the others are not. One that is off stays off: what failed once under load is not tried again
 * on the traffic of users. Those that need another go and come with it.
 */
class Offloads {
 public:
  /** `allowed`: bits of those the operator has not switched off. All are off at first. */
  explicit Offloads(uint32_t allowed);

  /** Whether it is worth trying: allowed, not given up, and what it needs is on. */
  bool wanted(Offload offload) const;
  bool active(Offload offload) const { return states_[index(offload)].active; }
  /** Why it is off; or, of one that is on, what could not be verified. Empty: nothing to say. */
  const std::string& reason(Offload offload) const { return states_[index(offload)].reason; }

  /** Of one that is wanted: it works. */
  void turnOn(Offload offload, std::string reason = {});
  /** It does not, and those that need it cannot. Keeps an earlier reason. Returns whether it was on. */
  bool turnOff(Offload offload, std::string reason);
  /** Once it has been tried: gives up one that has not been turned on. */
  void settle(Offload offload, std::string reason);

  /** Bits of those that have changed since the last call. */
  uint32_t takeChanges();

 private:
  struct State {
    bool active = false;
    bool givenUp = false;
    std::string reason;
  };

  static constexpr size_t index(Offload offload) { return static_cast<size_t>(offload); }

  State states_[kOffloads];
  uint32_t changes_ = 0;
};

}  // namespace tuntap
