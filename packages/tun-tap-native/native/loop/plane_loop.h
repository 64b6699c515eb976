#pragma once

#include <pthread.h>
#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../plane/data_plane.h"
#include "../plane/plane_sink.h"
#include "loop_counters.h"
#include "offloads.h"
#include "os_error.h"
#include "send_failures.h"
#include "train_sender.h"
#include "tun_port.h"
#include "turn_lock.h"
#include "udp_port.h"
#include "udp_receiver.h"
#include "unique_fd.h"

namespace tuntap {

struct PlaneLoopOptions {
  /** As TunPort::open() has them. */
  std::string tunName;
  int tunFd = -1;
  UdpPortOptions udp;
  /** Bits of Offload that may be tried. */
  uint32_t allowedOffloads = kAllOffloads;
  /** Frames and datagrams read from one descriptor a turn, at most. */
  uint32_t batch = 64;
  const pqtun::AeadEngine* aead = nullptr;
  /** Tunnel MTU in bytes. */
  uint32_t mtu = 0;
  bool clampMss = false;
};

/** What a loop has to say beside the plane's reports. */
struct LoopEvents {
  std::vector<SendFailure> failures;
  /** A source address was found to be ours no more; what was to leave from it was sent from another. */
  bool sourceLost;
  /** Bits of offloads that have changed. */
  uint32_t offloads;
};

/**
 * A data plane with its TUN, its sockets and a thread of its own that moves packets between them. Nothing here knows of Node.
 *
 * Two threads: the loop's, and that of the owner, which calls verbs of the plane. A Verb is what the owner holds while it does; it
 * waits for one turn of the loop at most, which is about a millisecond. The owner is called by a descriptor that becomes readable:
 * at once for what waits for an answer, within kLazily for what only has to be noted. It then takes reports and events, in any order.
 */
class PlaneLoop final : private pqtun::PlaneSink {
 public:
  /** How long plain activity may wait until the owner is called, in ms. */
  static constexpr double kLazily = 25;

  /** Opens all and tests offloads; moves nothing before start(). `tunFd` stays the caller's when this fails. */
  static OsResult<std::unique_ptr<PlaneLoop>> open(const PlaneLoopOptions& options);
  /** Ends the thread and closes all. Never while a Verb is held. */
  ~PlaneLoop();
  PlaneLoop(const PlaneLoop&) = delete;
  PlaneLoop& operator=(const PlaneLoop&) = delete;

  /** Once. */
  OsError start();

  /** The owner's turn: while it lives, the loop does nothing, and the plane may be called. */
  class Verb {
   public:
    explicit Verb(PlaneLoop* loop);
    ~Verb();
    Verb(const Verb&) = delete;
    Verb& operator=(const Verb&) = delete;

    pqtun::DataPlane& plane() { return *loop_->plane_; }
    LoopEvents takeEvents();
    const Offloads& offloads() const { return loop_->offloads_; }
    OsError setMark(uint32_t mark);

   private:
    PlaneLoop* loop_;
  };

  /** Opens new sockets and lets go of the old ones; sessions stay. On failure the old ones stay. */
  OsError rebind(const UdpPortOptions& options);

  /** Readable when the owner should call. */
  int wakeUpFd() const { return wakeUp_.get(); }
  /** Makes it unreadable. Call before reports and events are taken: what comes from here on makes it readable again. */
  void acknowledge();
  /** Whether there are events to take; asked without waiting for the loop's turn. */
  bool hasEvents() const { return hasEvents_; }
  /** Why packets have ceased to flow, once: the device is gone, or a socket is. Success: they flow, or it has been taken. */
  OsError takeLost();

  /** Before start(): gives an adopted TUN back to whoever passed it. */
  void releaseTun(const PlaneLoopOptions& options);

  const std::string& name() const { return tun_->name(); }
  uint32_t interfaceIndex() const { return tun_->interfaceIndex(); }
  uint16_t port() const { return udp_->port(); }
  const LoopCounters& counters() const { return *counters_; }

 private:
  enum Source : uint32_t { kTun, kUdp4, kUdp6, kPoke };

  explicit PlaneLoop(const PlaneLoopOptions& options);
  OsError openAll(const PlaneLoopOptions& options);
  OsError watch(int fd, Source source);
  OsError watchUdp();

  void run();
  int turn(const epoll_event* ready, int count);
  void readTun(pqtun::Instant now, uint32_t events);
  void readUdp(pqtun::Instant now, Source source, uint32_t events);
  void parkTun(pqtun::Instant now);
  void lose(const OsError& error);
  void settle();
  int tell(pqtun::Instant now);
  bool hasNews();
  bool isUrgent();
  void wakeOwner();

  void sendTrain(const pqtun::Train& train) override;
  void sendDatagram(const pqtun::Endpoint& to, const pqtun::LocalAddress& from, const uint8_t* bytes, uint32_t length) override;
  bool writeTun(const iovec* pieces, uint32_t count) override;

  const uint32_t batch_;
  TurnLock lock_;
  Offloads offloads_;
  std::unique_ptr<LoopCounters> counters_;
  SendFailures failures_;
  TrainSender sender_;
  std::unique_ptr<TunPort> tun_;
  std::unique_ptr<UdpPort> udp_;
  std::unique_ptr<UdpReceiver> receiver_;
  std::unique_ptr<pqtun::DataPlane> plane_;
  UniqueFd epoll_;
  /** Wakes the loop itself. */
  UniqueFd poke_;
  UniqueFd wakeUp_;
  std::atomic<bool> stopping_{false};
  /** The owner has been called and has not come yet. */
  std::atomic<bool> called_{false};
  /** Set at the end of a turn and of a verb. */
  std::atomic<bool> hasEvents_{false};
  pthread_t thread_{};
  bool running_ = false;

  /* under the lock */

  /** When the owner is to be called at the latest; negative: there is nothing to say. */
  pqtun::Instant callAt_ = -1;
  bool sourceLost_ = false;
  uint32_t changedOffloads_ = 0;
  OsError lost_;
  bool isLost_ = false;
  /** When to look at a parked TUN again; negative: it is watched. */
  pqtun::Instant tunAt_ = -1;
  bool ipv6First_ = false;
  uint32_t udpErrors_[2] = {0, 0};
};

}  // namespace tuntap
