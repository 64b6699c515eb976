#include "trains.h"

#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "record.h"
#include "reports.h"

namespace pqtun {

Trains::Trains(PlaneSink* sink, PlaneReports* reports) : sink_(sink), reports_(reports) {
  for (uint32_t i = 0; i < kMostOpen; i++) {
    trains_[i].bytes_.reset(new uint8_t[kMostTrainBytes]);
    order_[i] = &trains_[i];
  }
}

uint8_t* Trains::add(Remote* remote, Keypair* keypair, const Endpoint& to, const LocalAddress& from, uint64_t counter,
                     uint32_t length) {
  const uint32_t size = length + kTransportOverhead;
  OpenTrain* train = remote->train;
  const bool fits = train != nullptr && train->keypair_ == keypair && train->count_ < OpenTrain::kMostRecords &&
                    train->length_ + size <= kMostTrainBytes && train->to_ == to && train->from_ == from;
  if (!fits) {
    if (train != nullptr) close(train);
    train = open(remote, keypair, to, from);
  }
  uint8_t* header = train->bytes_.get() + train->length_;
  writeLe32(header, kTransportType);
  writeLe32(header + 4, keypair->remoteIndex);
  writeLe64(header + 8, counter);
  uint8_t* text = header + kTransportHeaderSize;
  train->records_[train->count_++] = {text, length, counter, false};
  train->length_ += size;
  return text;
}

void Trains::end(Remote* remote) {
  if (remote->train != nullptr) close(remote->train);
}

void Trains::endAll() {
  while (openCount_ > 0) close(order_[0]);
}

uint32_t Trains::waiting() const {
  uint32_t count = 0;
  for (uint32_t i = 0; i < openCount_; i++) count += order_[i]->count_;
  return count;
}

OpenTrain* Trains::open(Remote* remote, Keypair* keypair, const Endpoint& to, const LocalAddress& from) {
  if (openCount_ == kMostOpen) close(order_[0]);
  OpenTrain* train = order_[openCount_++];
  train->remote_ = remote;
  train->keypair_ = keypair;
  train->to_ = to;
  train->from_ = from;
  train->length_ = 0;
  train->count_ = 0;
  remote->train = train;
  return train;
}

void Trains::close(OpenTrain* train) {
  train->keypair_->sendCipher->seal(train->records_, train->count_);
  send(*train);
  train->remote_->train = nullptr;
  OpenTrain** at = std::find(order_, order_ + openCount_, train);
  std::rotate(at, at + 1, order_ + openCount_);
  openCount_--;
}

/** In trains as UDP_SEGMENT takes them. A record that could not be sealed is not sent, and none goes on across it. */
void Trains::send(const OpenTrain& run) {
  const uint32_t most = allowed_ ? kMostSegments : 1;
  for (uint32_t i = 0; i < run.count_;) {
    if (!run.records_[i].ok) {
      reports_->drop(Drop::sendFailed);
      i++;
      continue;
    }
    const uint32_t segmentSize = run.records_[i].length + kTransportOverhead;
    Train train = {run.to_, run.from_, run.records_[i].text - kTransportHeaderSize, 0, segmentSize, 0};
    uint32_t size = segmentSize;
    while (size == segmentSize && train.count < most && i < run.count_ && run.records_[i].ok) {
      size = run.records_[i].length + kTransportOverhead;
      if (size > segmentSize) break;
      train.length += size;
      train.count++;
      i++;
    }
    sink_->sendTrain(train);
  }
}

}  // namespace pqtun
