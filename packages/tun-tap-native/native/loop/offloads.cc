#include "offloads.h"

#include <utility>

namespace tuntap {

namespace {

struct Need {
  Offload offload;
  Offload needs;
};

/** Each after what it needs, so that one pass turns off a whole chain. */
constexpr Need kNeeds[] = {
    {Offload::checksum, Offload::vnetHeader},
    {Offload::tso, Offload::checksum},
    {Offload::uso, Offload::checksum},
};

}  // namespace

const char* offloadName(Offload offload) {
  switch (offload) {
    case Offload::vnetHeader: return "vnet-header";
    case Offload::checksum: return "checksum";
    case Offload::tso: return "tso";
    case Offload::uso: return "uso";
    case Offload::udpGso: return "udp-gso";
    case Offload::udpGro: return "udp-gro";
  }
  return "";
}

Offloads::Offloads(uint32_t allowed) {
  // All of these first: what was switched off is not said to lack something.
  for (size_t i = 0; i < kOffloads; ++i) {
    if ((allowed & offloadBit(static_cast<Offload>(i))) == 0) states_[i] = {false, true, "switched off by configuration"};
  }
  for (const Need& need : kNeeds) {
    if (states_[index(need.needs)].givenUp) turnOff(need.offload, std::string("needs ") + offloadName(need.needs));
  }
}

bool Offloads::wanted(Offload offload) const {
  if (states_[index(offload)].givenUp) return false;
  for (const Need& need : kNeeds) {
    if (need.offload == offload && !active(need.needs)) return false;
  }
  return true;
}

void Offloads::turnOn(Offload offload, std::string reason) {
  State& state = states_[index(offload)];
  if (state.active || !wanted(offload)) return;
  state.active = true;
  state.reason = std::move(reason);
  changes_ |= offloadBit(offload);
}

bool Offloads::turnOff(Offload offload, std::string reason) {
  State& state = states_[index(offload)];
  if (state.givenUp) return false;
  const bool was = std::exchange(state.active, false);
  state.givenUp = true;
  state.reason = std::move(reason);
  if (was) changes_ |= offloadBit(offload);
  for (const Need& need : kNeeds) {
    if (need.needs == offload) turnOff(need.offload, std::string("needs ") + offloadName(offload));
  }
  return was;
}

void Offloads::settle(Offload offload, std::string reason) {
  if (!active(offload)) turnOff(offload, std::move(reason));
}

uint32_t Offloads::takeChanges() { return std::exchange(changes_, 0); }

}  // namespace tuntap
