#pragma once

#include <cstdint>
#include <memory>

#include "aead.h"
#include "plane_sink.h"
#include "remote.h"

namespace pqtun {

class PlaneReports;

/** Records of one keypair to one place that wait to be sealed together. */
class OpenTrain {
 public:
  static constexpr uint32_t kMostRecords = kMostSegments;

 private:
  friend class Trains;

  std::unique_ptr<uint8_t[]> bytes_;
  Remote* remote_ = nullptr;
  Keypair* keypair_ = nullptr;
  Endpoint to_ = {};
  LocalAddress from_ = {};
  uint32_t length_ = 0;
  uint32_t count_ = 0;
  Record records_[kMostRecords];
};

/**
 * Records on their way out. They are written one behind the other into memory of their own, sealed by one call when the memory is
 * full, another keypair or place follows, or the batch ends, and then leave as few trains as the rule of UDP_SEGMENT allows: all
 * of a train are equally long, but the last, which may be shorter.
 *
 * Each peer has one run of records at most, so what it is sent stays in order. There are kMostOpen; when one more peer comes, the oldest
 * run leaves. Memory: 64 KiB for each, touched only as far as it is used.
 */
class Trains {
 public:
  static constexpr uint32_t kMostOpen = 16;

  Trains(PlaneSink* sink, PlaneReports* reports);

  /** Off: every train has one record. */
  void allow(bool allowed) { allowed_ = allowed; }

  /**
   * Room for one record's payload of `length` B (at most kMostTrainBytes − 32), which is the caller's to fill before the next call of
   * anything here; the header is written. The counter was taken for it and is spent, whatever becomes of the record.
   */
  uint8_t* add(Remote* remote, Keypair* keypair, const Endpoint& to, const LocalAddress& from, uint64_t counter, uint32_t length);

  /** Seals and sends what this peer has waiting: before one of its keypairs goes. */
  void end(Remote* remote);
  /** Seals and sends all, the oldest run first. */
  void endAll();

  /** Records waiting. */
  uint32_t waiting() const;

 private:
  OpenTrain* open(Remote* remote, Keypair* keypair, const Endpoint& to, const LocalAddress& from);
  void close(OpenTrain* train);
  void send(const OpenTrain& train);

  PlaneSink* const sink_;
  PlaneReports* const reports_;
  bool allowed_ = true;
  OpenTrain trains_[kMostOpen];
  /** Open ones in the order they were opened, then free ones, the one used last first: its memory is in the cache. */
  OpenTrain* order_[kMostOpen];
  uint32_t openCount_ = 0;
};

}  // namespace pqtun
