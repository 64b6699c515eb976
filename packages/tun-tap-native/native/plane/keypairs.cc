#include "keypairs.h"

#include <algorithm>
#include <cstring>

namespace pqtun {
namespace {

/** TS are big-endian numbers: < 0, 0, > 0. */
int compareTimestamps(const uint8_t* a, const uint8_t* b) { return std::memcmp(a, b, kTimestampSize); }

/** N4: confirmed as the opposite role within REKEY_TIMEOUT. Of two that cross exactly one has `winsCrossing`. */
bool crosses(Instant now, const Keypair& current, const Keypair& confirmed) {
  return current.role != confirmed.role && current.confirmed && now - current.confirmedAt <= kRekeyTimeout;
}

}  // namespace

Keypair::Keypair(const AeadEngine& aead, Remote* owner, const SessionInstall& session)
    : remote(owner),
      localIndex(session.localIndex),
      remoteIndex(session.remoteIndex),
      bornAt(session.bornAt),
      limits(boundedLimits(session.limits)),
      role(session.role),
      kind(session.kind),
      winsCrossing(session.winsCrossing),
      sendCounter(limits),
      sendCipher(aead.makeCipher(session.sendKey)),
      receiveCipher(aead.makeCipher(session.receiveKey)) {
  std::memcpy(timestamp, session.timestamp, kTimestampSize);
}

uint32_t Keypairs::all(Keypair** all) const {
  uint32_t count = 0;
  for (Keypair* keypair : {current_, previous_}) {
    if (keypair != nullptr) all[count++] = keypair;
  }
  std::copy(nexts_, nexts_ + nextCount_, all + count);
  return count + nextCount_;
}

void Keypairs::addNext(Keypair* next, Fallen* fallen) {
  if (nextCount_ == kMostNexts) {
    Keypair* smallest = *std::min_element(nexts_, nexts_ + nextCount_, [](const Keypair* a, const Keypair* b) {
      return compareTimestamps(a->timestamp, b->timestamp) < 0;
    });
    removeNext(smallest);
    fallen->add(smallest);
  }
  nexts_[nextCount_++] = next;
}

bool Keypairs::isStale(const Keypair& next) const {
  return hasTimestamp_ && compareTimestamps(next.timestamp, storedTimestamp_) <= 0;
}

bool Keypairs::confirm(Instant now, Keypair* next, Fallen* fallen) {
  removeNext(next);
  std::memcpy(storedTimestamp_, next->timestamp, kTimestampSize);
  hasTimestamp_ = true;
  const bool becameCurrent = rotate(now, next, fallen);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < nextCount_; i++) {
    if (compareTimestamps(nexts_[i]->timestamp, next->timestamp) < 0) {
      fallen->add(nexts_[i]);
    } else {
      nexts_[kept++] = nexts_[i];
    }
  }
  nextCount_ = kept;
  return becameCurrent;
}

void Keypairs::remove(const Keypair* keypair) {
  if (current_ == keypair) current_ = nullptr;
  if (previous_ == keypair) previous_ = nullptr;
  removeNext(keypair);
}

bool Keypairs::rotate(Instant now, Keypair* keypair, Fallen* fallen) {
  Keypair* old = current_;
  const bool loses = old != nullptr && crosses(now, *old, *keypair) && !keypair->winsCrossing;
  Keypair* second = loses ? keypair : old;
  if (second != nullptr) {
    if (previous_ != nullptr) fallen->add(previous_);
    previous_ = second;
  }
  if (!loses) current_ = keypair;
  keypair->confirmed = true;
  keypair->confirmedAt = now;
  return !loses;
}

void Keypairs::removeNext(const Keypair* keypair) {
  nextCount_ = static_cast<uint32_t>(std::remove(nexts_, nexts_ + nextCount_, keypair) - nexts_);
}

}  // namespace pqtun
