#pragma once

#include <cstdint>
#include <vector>

#include "drop.h"
#include "message_queue.h"
#include "plane_types.h"
#include "remote.h"

namespace pqtun {

/**
 * What goes up to the engine: state of each peer, coalesced and never lost; messages, bounded; drops, counted. The mirror of core's
 * plane/reports.ts.
 *
 * Two questions tell the shell when JavaScript is to be woken. pending(): there is something, which may wait some 25 ms. urgent(): something
 * that the engine acts on at once. What repeats with every packet (a key is wanted, a limit is near, a packet was too big) is urgent
 * when it is news, and afterwards may wait.
 */
class PlaneReports {
 public:
  /** `key` is secret and random, for the queue of messages. */
  explicit PlaneReports(const HashKey& key) : queue_(key) {}

  bool pending() const { return pending_; }
  bool urgent() const { return urgent_; }

  void drop(Drop reason, uint64_t times = 1) {
    drops_[static_cast<size_t>(reason)] += times;
    totals_[static_cast<size_t>(reason)] += times;
    pending_ = true;
  }

  /** The gate has sent one. */
  void cookieReply() {
    cookieReplies_++;
    pending_ = true;
  }

  /** The report under way for this peer, to be written into. */
  Activity& of(Remote* remote) {
    if (!remote->active) begin(remote);
    return remote->activity;
  }

  void wantsKey(Remote* remote);
  void retired(Remote* remote, SessionIndex index);
  void confirmed(Remote* remote, const Confirmation& confirmation);
  void roamed(Remote* remote);
  void limitNear(Remote* remote, SessionIndex index);
  void tooBig(Remote* remote, uint32_t length);

  /** Drops what was to be reported of a peer that is no more. */
  void forget(Remote* remote);

  /** Copies a message into its lane, or counts that there was no room. */
  void push(const Message& message);
  /** Handshake datagrams, and control payloads, waiting. */
  uint32_t handshakesQueued() const { return handshakesQueued_; }
  uint32_t controlsQueued() const { return controlsQueued_; }

  /* taking: report_layout.h does it */

  const std::vector<Remote*>& active() const { return active_; }
  /** MessageQueue's verbs of a turn. */
  void beginTurn(uint32_t mostOfLane) { queue_.beginTurn(mostOfLane); }
  bool nextMessage(Message* message);
  /** Since the last take. */
  uint64_t drops(Drop reason) const { return drops_[static_cast<size_t>(reason)]; }
  uint64_t cookieReplies() const { return cookieReplies_; }
  /** Since the plane was made. */
  uint64_t total(Drop reason) const { return totals_[static_cast<size_t>(reason)]; }
  /** All but the messages has been taken; of these some may wait for the next turn. */
  void taken();

 private:
  void begin(Remote* remote);

  bool pending_ = false;
  bool urgent_ = false;
  uint64_t drops_[kDropReasons] = {};
  uint64_t totals_[kDropReasons] = {};
  uint64_t cookieReplies_ = 0;
  std::vector<Remote*> active_;
  MessageQueue queue_;
  uint32_t handshakesQueued_ = 0;
  uint32_t controlsQueued_ = 0;
};

}  // namespace pqtun
