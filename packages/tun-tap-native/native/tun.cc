// The path of a packet in:
//   1. The loop reports the descriptor readable                          turn()
//   2. Packets are read one behind the other into the slab               readBatch()
//   3. One call upward for all of them                                   events_->packets
//   4. What was left unread is reported by the loop on its next turn, so timers and sockets get theirs in between.
// A packet out is one write(2); the kernel has copied it when that returns.
#include "tun.h"

#include <linux/if_tun.h>

#include <utility>

#include "capabilities.h"
#include "tun_device.h"

namespace tuntap {

namespace {

// An IP packet or an Ethernet frame (MTU + header) ends at 65,535 B; the kernel may put a VLAN tag of 4 B into a frame.
constexpr size_t kLongestFrame = 65535 + 4;
// The share of one packet when the slab is sized. Longer ones only make a turn end earlier, see readBatch().
constexpr size_t kUsualFrame = 2048;
constexpr size_t kCacheLine = 64;

constexpr size_t roundUp(size_t value) { return (value + kCacheLine - 1) & ~(kCacheLine - 1); }

}  // namespace

OsResult<std::shared_ptr<Tun>> Tun::open(std::shared_ptr<Environment> environment, const TunOptions& options) {
  std::shared_ptr<Tun> tun(new Tun(std::move(environment), options));
  OsError error = options.fd < 0 ? tun->create(options) : tun->adopt(options);
  if (!error) error = tun->prepare();
  if (!error) return tun;
  if (options.fd >= 0) tun->fd_.release();
  return error;
}

Tun::Tun(std::shared_ptr<Environment> environment, const TunOptions& options)
    : Resource(std::move(environment)),
      tap_(options.tap),
      headroom_(options.headroom),
      tailroom_(options.tailroom),
      batch_(options.batch) {}

OsError Tun::create(const TunOptions& options) {
  TunIdentity identity;
  const OsResult<int> created = createTunDevice(options.name, (options.tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI, &identity);
  if (created.error) return created.error;
  fd_.reset(created.value);
  name_ = identity.name;
  return {};
}

OsError Tun::adopt(const TunOptions& options) {
  const OsResult<TunIdentity> identity = identifyTunDevice(options.fd);
  if (identity.error) return identity.error;
  // Both would put a header before each packet that nobody here takes off.
  if ((identity.value.flags & IFF_NO_PI) == 0 || (identity.value.flags & IFF_VNET_HDR) != 0) return {EINVAL, "TUNGETIFF"};
  if (const OsError error = adoptTunDevice(options.fd)) return error;
  fd_.reset(options.fd);
  tap_ = (identity.value.flags & IFF_TAP) != 0;
  name_ = identity.value.name;
  return {};
}

OsError Tun::prepare() {
  interfaceIndex_ = tunInterfaceIndex(fd_.get(), name_);
  const size_t rooms = headroom_ + tailroom_;
  slab_ = Slab::map(batch_ * roundUp(kUsualFrame + rooms) + roundUp(kLongestFrame + rooms));
  table_ = Slab::map(batch_ * sizeof(PacketPosition));
  if (!slab_ || !table_) return {ENOMEM, "mmap"};
  auto poll = PollHandle::open(environment(), fd_.get(), [this](int status) { turn(status); });
  if (poll.error) return poll.error;
  poll_ = std::move(poll.value);
  return {};
}

OsError Tun::start(TunEvents events) {
  if (closed()) return {EBADF, "start"};
  events_ = std::make_shared<const TunEvents>(std::move(events));
  return poll_->start();
}

void Tun::stop() {
  if (poll_) poll_->stop();
  events_.reset();
}

void Tun::turn(int status) {
  // Either callback may drop the last other owner of this device, or of the functions being called.
  const std::shared_ptr<Tun> self = shared_from_this();
  const std::shared_ptr<const TunEvents> events = events_;
  OsError fatal;
  const uint32_t count = readBatch(&fatal);
  if (count > 0) events->packets(count);
  if (events_ != events) return;
  // libuv stops on POLLERR. A device that is going away answers the next read with EBADFD; until then, keep looking.
  if (!fatal && status < 0) fatal = poll_->start();
  if (!fatal) return;
  stop();
  events->error(fatal);
}

/**
 * Reads until there is nothing more, the batch is full or the slab is. Packets lie packed, each between its own rooms, and
 * every read is offered the longest frame there is: so a raised MTU needs no notice, and no packet is ever cut short.
 */
uint32_t Tun::readBatch(OsError* fatal) {
  auto* positions = reinterpret_cast<PacketPosition*>(table_->data());
  size_t start = 0;
  uint32_t count = 0;
  while (count < batch_ && start + headroom_ + kLongestFrame + tailroom_ <= slab_->size()) {
    const size_t offset = start + headroom_;
    const ssize_t length = ::read(fd_.get(), slab_->data() + offset, kLongestFrame);
    if (length < 0) {
      if (errno == EINTR) continue;
      if (!isTransientReadError(errno)) *fatal = OsError::last("read");
      break;
    }
    if (length == 0) break;
    positions[count++] = {static_cast<uint32_t>(offset), static_cast<uint32_t>(length)};
    start = roundUp(offset + static_cast<size_t>(length) + tailroom_);
  }
  counters_.packetsRead += count;
  return count;
}

bool Tun::write(const uint8_t* packet, size_t length) {
  ssize_t written;
  do {
    written = ::write(fd_.get(), packet, length);
  } while (written < 0 && errno == EINTR);
  if (written >= 0) {
    ++counters_.packetsWritten;
    return true;
  }
  ++counters_.packetsRefused;
  return false;
}

void Tun::close() {
  events_.reset();
  poll_.reset();
  fd_.reset();
}

}  // namespace tuntap
