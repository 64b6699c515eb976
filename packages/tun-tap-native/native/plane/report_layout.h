#pragma once

#include <cstdint>
#include <vector>

#include "place_layout.h"
#include "reports.h"

namespace pqtun {

/*
 * Reports as bytes, which src/plane-reports.ts reads; little-endian, one behind the other, nothing aligned:
 *
 *  header        activities u32, messages u32, drop reasons u32, whether messages are left for the next call u32,
 *                cookie replies u64
 *  drops         u64 for each reason, in the order of drop.h
 *  activities    peer u32, ActivityFlag u32, session whose limit is near u32, length too big u32, confirmations u32, retired u32;
 *                place if it roamed; each confirmation: index u32, whether it became current u32, timestamp 12 B, place; each index retired u32
 *  messages      whether it is a control payload, passed the gate, was proven: a byte each, 0; key u32, peer u32, length u32; place;
 *                bytes
 */
namespace report_layout {
constexpr uint32_t kHeaderSize = 24;
constexpr uint32_t kDropSize = 8;
constexpr uint32_t kActivitySize = 24;
constexpr uint32_t kConfirmationSize = 20 + kPlaceSize;
constexpr uint32_t kRetiredSize = 4;
constexpr uint32_t kMessageSize = 16 + kPlaceSize;
}  // namespace report_layout

enum ActivityFlag : uint32_t {
  kWantsKey = 1,
  kDataSent = 2,
  kDataReceived = 4,
  kRecordSent = 8,
  kAnySent = 16,
  kAnyReceived = 32,
  kRoamed = 64,
  kLimitNear = 128,
  kTooBig = 256,
};

/** Takes all that has been gathered, of each lane of messages at most `mostOfLane`, into fresh bytes. */
std::vector<uint8_t> takeReports(PlaneReports* reports, uint32_t mostOfLane);

}  // namespace pqtun
