// The queue between plane and engine against lists that are counted anew each time. Input: steps of 8 B and more: push, turn or take.
// sources: native/plane/message_queue.cc native/plane/source_limiter.cc
// runs: 2000
#include "../native/plane/message_queue.h"

#include <deque>
#include <vector>

#include "input.h"

namespace {

using pqtun::Message;
using pqtun::MessageLane;
using pqtun::MessageQueue;

struct Kept {
  uint32_t key;
  uint16_t source;
  std::vector<uint8_t> bytes;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  MessageQueue queue({3, 4});
  std::deque<Kept> lists[pqtun::kMessageLanes];
  uint32_t left[pqtun::kMessageLanes] = {};
  uint32_t key = 0;
  Input input(data, size);
  while (input.left() > 0) {
    const auto way = input.take<uint8_t>();
    if (way % 4 == 0) {
      const uint32_t most = input.take<uint8_t>();
      queue.beginTurn(most);
      for (uint32_t& each : left) each = most;
      continue;
    }
    if (way % 4 == 1) {
      Message message;
      const bool given = queue.next(&message);
      size_t lane = 0;
      while (lane < pqtun::kMessageLanes && (left[lane] == 0 || lists[lane].empty())) lane++;
      require(given == (lane < pqtun::kMessageLanes));
      if (!given) continue;
      const Kept& kept = lists[lane].front();
      require(static_cast<size_t>(message.lane) == lane && message.key == kept.key && message.length == kept.bytes.size());
      require(std::vector<uint8_t>(message.bytes, message.bytes + message.length) == kept.bytes);
      lists[lane].pop_front();
      left[lane]--;
      continue;
    }
    // Several at once, so that a lane fills up within an input.
    const size_t lane = way / 4 % pqtun::kMessageLanes;
    const auto source = input.take<uint8_t>();
    const std::vector<uint8_t> bytes(size_t{input.take<uint16_t>()} * (way / 16 % 2 == 0 ? 1 : 16) % 65536, way);
    for (uint32_t i = input.take<uint8_t>(); i > 0; i--) {
      Message message = {};
      message.lane = static_cast<MessageLane>(lane);
      message.from = {{source}, 4, 9, 0};
      message.key = ++key;
      message.bytes = bytes.data();
      message.length = static_cast<uint32_t>(bytes.size());
      const bool taken = queue.push(message) == pqtun::Drop::none;
      const auto& room = MessageQueue::kRoom[lane];
      size_t ofSource = 0;
      size_t waiting = bytes.size();
      for (const Kept& kept : lists[lane]) {
        ofSource += kept.source == source ? 1 : 0;
        waiting += kept.bytes.size();
      }
      const bool hasPlace = lists[lane].size() < room.messages && (room.perSource == 0 || ofSource < room.perSource);
      // Bytes in a row: there are none if too many wait, and there are with most of the ring free, wherever what waits may lie.
      if (!hasPlace || waiting > room.bytes) require(!taken);
      else if (waiting + bytes.size() < room.bytes / 2) require(taken);
      if (taken) lists[lane].push_back({message.key, source, bytes});
    }
  }
  bool empty = true;
  for (const auto& list : lists) empty = empty && list.empty();
  require(queue.empty() == empty);
  return 0;
}
