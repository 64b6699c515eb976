#include "message_queue.h"

#include <algorithm>
#include <cstring>

#include "handshake_form.h"
#include "source_limiter.h"

namespace pqtun {

MessageLane laneOf(uint8_t type, bool fromLivePeer) {
  switch (static_cast<MessageType>(type)) {
    case MessageType::classicalResponse:
    case MessageType::cookieReply:
    case MessageType::responseFragment:
      return MessageLane::answer;
    default:
      return fromLivePeer ? MessageLane::peerInitiation : MessageLane::strangerInitiation;
  }
}

/** Messages in a ring, and their bytes, each message's in one piece, in a ring of its own. */
class MessageQueue::Lane {
 public:
  explicit Lane(const Room& room)
      : room_(room),
        messages_(room.messages),
        sources_(room.perSource > 0 ? room.messages : 0),
        bytes_(new uint8_t[room.bytes]) {}

  bool push(const Message& message, uint64_t source) {
    if (count_ == room_.messages || isFull(source)) return false;
    // An empty one takes a byte, so that head and tail at one place mean that there is no room.
    const uint32_t taken = std::max(message.length, 1U);
    const uint32_t offset = placeOf(taken);
    if (offset == kNoPlace) return false;
    const uint32_t at = (first_ + count_) % room_.messages;
    messages_[at] = message;
    messages_[at].bytes = &bytes_[offset];
    if (message.length > 0) std::memcpy(&bytes_[offset], message.bytes, message.length);
    if (room_.perSource > 0) sources_[at] = source;
    if (count_ == 0) tail_ = offset;
    head_ = offset + taken;
    count_++;
    return true;
  }

  bool next(Message* message) {
    if (left_ == 0 || count_ == 0) return false;
    left_--;
    *message = messages_[first_];
    if (room_.perSource > 0) sources_[first_] = kNoSource;
    first_ = (first_ + 1) % room_.messages;
    count_--;
    if (count_ > 0) tail_ = static_cast<uint32_t>(messages_[first_].bytes - bytes_.get());
    return true;
  }

  void beginTurn(uint32_t most) { left_ = most; }
  bool empty() const { return count_ == 0; }
  bool countsSources() const { return room_.perSource > 0; }

  static constexpr uint64_t kNoSource = 0;

 private:
  static constexpr uint32_t kNoPlace = UINT32_MAX;

  /** Looks at every place there is: eight a cache line, and fewer than a thousand. */
  bool isFull(uint64_t source) const {
    return room_.perSource > 0 &&
           static_cast<uint32_t>(std::count(sources_.begin(), sources_.end(), source)) >= room_.perSource;
  }

  /** Where so many bytes in a row are free: behind the newest message, or from the front on when the oldest leaves room there. */
  uint32_t placeOf(uint32_t length) const {
    // From the front again, so that a lane that is seldom used touches little memory.
    if (count_ == 0) return length <= room_.bytes ? 0 : kNoPlace;
    if (head_ <= tail_) return tail_ - head_ >= length ? head_ : kNoPlace;
    if (room_.bytes - head_ >= length) return head_;
    return tail_ >= length ? 0 : kNoPlace;
  }

  const Room room_;
  std::vector<Message> messages_;
  /** Beside `messages_`, kNoSource where none waits. */
  std::vector<uint64_t> sources_;
  std::unique_ptr<uint8_t[]> bytes_;
  uint32_t first_ = 0;
  uint32_t count_ = 0;
  uint32_t left_ = 0;
  /** Bytes from `tail_` up to `head_`, around the end, are taken; only while something waits. */
  uint32_t tail_ = 0;
  uint32_t head_ = 0;
};

MessageQueue::MessageQueue(const HashKey& key) : key_(key) {
  lanes_.reserve(kMessageLanes);
  for (const Room& room : kRoom) lanes_.emplace_back(room);
}

MessageQueue::~MessageQueue() = default;

Drop MessageQueue::push(const Message& message) {
  Lane& lane = lanes_[static_cast<size_t>(message.lane)];
  const uint64_t source = lane.countsSources() ? sourceOf(message) : Lane::kNoSource;
  return lane.push(message, source) ? Drop::none : Drop::queueFull;
}

void MessageQueue::beginTurn(uint32_t mostOfLane) {
  for (Lane& lane : lanes_) lane.beginTurn(mostOfLane);
}

bool MessageQueue::next(Message* message) {
  return std::any_of(lanes_.begin(), lanes_.end(), [&](Lane& lane) { return lane.next(message); });
}

bool MessageQueue::empty() const {
  return std::all_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.empty(); });
}

/** 64 bits under a secret key stand for the source: two that nobody can choose to be the same. */
uint64_t MessageQueue::sourceOf(const Message& message) const {
  const Endpoint& from = message.from;
  uint64_t hash;
  if (message.lane == MessageLane::peerInitiation) {
    uint64_t halves[2];
    std::memcpy(halves, from.ip, sizeof halves);
    const uint64_t rest = uint64_t{from.scope} << 32 | uint64_t{from.port} << 8 | from.ipSize;
    hash = sipHash(key_, sipHash(key_, halves[0], halves[1]), rest);
  } else {
    const SourcePrefix prefix = SourcePrefix::of(from.ip, from.ipSize);
    hash = sipHash(key_, prefix.bits, prefix.size);
  }
  return hash == Lane::kNoSource ? 1 : hash;
}

}  // namespace pqtun
