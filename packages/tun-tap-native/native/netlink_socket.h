// One NETLINK_ROUTE socket for the requests of one call: opened, used and closed within it, so that no stale answer and no
// descriptor outlives the call. The kernel works on a request inside sendmsg; the receive that follows does not wait.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "netlink_message.h"
#include "unique_fd.h"

namespace tuntap::netlink {

/** How a request ended: `error` is a positive errno, 0 for success; `detail` is what the kernel (or we) say about it. */
struct [[nodiscard]] Outcome {
  int error = 0;
  std::string detail = {};

  bool failed() const { return error != 0; }
};

using OnMessage = std::function<void(const Message&)>;

class Socket {
 public:
  Outcome open();

  /** Sends a request and waits for its acknowledgement; answers that come before it go to `onMessage`. */
  Outcome request(MessageBuilder& message, const OnMessage& onMessage = nullptr);

  /**
   * Asks for a whole table. A table that changed meanwhile is asked for again: `onBegin` is called before each attempt and
   * must forget what the one before delivered.
   */
  Outcome dump(MessageBuilder& message, const std::function<void()>& onBegin, const OnMessage& onMessage);

 private:
  /** Sends and reads up to the end of the answer; `interrupted` reports NLM_F_DUMP_INTR. */
  Outcome exchange(MessageBuilder& message, uint16_t flags, const OnMessage& onMessage, bool* interrupted);
  /** Reads one datagram of the kernel's into `buffer_`, however large it is. */
  Outcome receive(ByteView* datagram);

  UniqueFd fd_;
  uint32_t port_ = 0;
  uint32_t sequence_ = 0;
  std::vector<uint8_t> buffer_;
};

}  // namespace tuntap::netlink
