#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../plane/plane_types.h"

namespace tuntap {

/** Datagrams to one place that the kernel refused with one errno. */
struct SendFailure {
  pqtun::Endpoint to;
  int code;
  /** Whether they were transport, whose length is that of the packet inside; else handshake or cookie. */
  bool transport;
  /** Length of the shortest of them, in bytes. */
  uint32_t length;
  uint64_t count;
};

/**
 * Refused datagrams since they were last taken, added up by place, errno and kind. Bounded, so that a tunnel to nowhere fills nothing: what
 * does not fit is in LoopCounters alone.
 */
class SendFailures {
 public:
  static constexpr size_t kMost = 64;

  void add(const pqtun::Endpoint& to, int code, bool transport, uint32_t length, uint64_t count);
  bool empty() const { return failures_.empty(); }
  std::vector<SendFailure> take();

 private:
  std::vector<SendFailure> failures_;
};

}  // namespace tuntap
