// The replay window against one that remembers everything. Input: steps of 3 B, how to move and by how much.
// sources: native/plane/replay_window.cc
// runs: 150000
#include "../native/plane/replay_window.h"

#include <set>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pqtun::ReplayWindow window;
  std::set<uint64_t> seen;
  // One more than the highest, as the window has it.
  uint64_t next = 0;
  uint64_t front = 0;
  Input input(data, size);
  while (input.left() > 0) {
    const auto way = input.take<uint8_t>();
    const uint64_t amount = input.take<uint16_t>();
    uint64_t counter = 0;
    switch (way % 5) {
      case 0: counter = front; break;
      case 1: counter = front += amount % 64; break;
      case 2: counter = front += amount; break;
      case 3: counter = front - amount; break;  // Also below 0, which is near 2^64.
      case 4: counter = front += amount << (way / 5 % 49); break;
    }
    const bool old = counter < next && next - 1 - counter > pqtun::ReplayWindow::kReach;
    const bool expected = counter != UINT64_MAX && !old && seen.count(counter) == 0;
    require(window.check(counter) == expected);
    require(window.accept(counter) == expected);
    if (!expected) continue;
    seen.insert(counter);
    if (counter >= next) next = counter + 1;
    require(window.next() == next);
  }
  return 0;
}
