#include "staging.h"

#include <algorithm>
#include <cstring>

namespace pqtun {
namespace {

uint64_t chargeOf(uint32_t length) { return std::max<uint64_t>(length, kLeastStagedCharge); }

}  // namespace

uint32_t StagedQueue::push(const uint8_t* packet, uint32_t length) {
  const uint64_t charge = chargeOf(length);
  const uint64_t most = std::min(kStagedBytesPerPeer, kStagedBytesInAll - budget_->bytes + bytes_);
  if (charge > most) return 1;
  auto* staged = static_cast<StagedPacket*>(std::malloc(sizeof(StagedPacket) + length));
  if (staged == nullptr) return 1;
  staged->next = nullptr;
  staged->length = length;
  std::memcpy(staged->bytes(), packet, length);

  uint32_t lost = 0;
  while (bytes_ + charge > kStagedBytesPerPeer || budget_->bytes + charge > kStagedBytesInAll) {
    shift();
    lost++;
  }
  (last_ == nullptr ? first_ : last_->next) = staged;
  last_ = staged;
  size_++;
  bytes_ += charge;
  budget_->bytes += charge;
  return lost;
}

std::unique_ptr<StagedPacket, StagedPacket::Free> StagedQueue::shift() {
  std::unique_ptr<StagedPacket, StagedPacket::Free> packet(first_);
  if (packet == nullptr) return packet;
  first_ = packet->next;
  if (first_ == nullptr) last_ = nullptr;
  size_--;
  bytes_ -= chargeOf(packet->length);
  budget_->bytes -= chargeOf(packet->length);
  return packet;
}

void StagedQueue::clear() {
  while (first_ != nullptr) shift();
}

}  // namespace pqtun
