#include "udp_self_test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/uio.h>

#include <array>
#include <string>

#include "../plane/gro_split.h"
#include "udp_address.h"
#include "udp_segment.h"
#include "udp_socket.h"

namespace tuntap {

namespace {

constexpr uint16_t kSegmentSize = 1200;
/** Two whole datagrams and a shorter one. */
constexpr size_t kTrainLength = 2 * kSegmentSize + 700;
/** The loopback delivers within the send; this is for a machine that has stalled. */
constexpr int kPatience = 250;

enum class Verdict : uint8_t { works, fails, untested };

struct Outcome {
  Verdict gso = Verdict::untested;
  Verdict gro = Verdict::untested;
};

/** Two sockets of one family, each of which hears the other alone. */
class Pair {
 public:
  bool open(int family) {
    UdpOptions options;
    options.family = family;
    options.ip = family == 4 ? std::string("\x7f\0\0\1", 4) : std::string(15, '\0') + '\1';
    return !openUdpSocket(options, &sender_) && !openUdpSocket(options, &receiver_) && join(sender_, receiver_) &&
           join(receiver_, sender_);
  }

  bool joinOnReceive() { return !setSocketOption(receiver_.get(), IPPROTO_UDP, UDP_GRO, 1, "UDP_GRO"); }

  bool send(const uint8_t* bytes, size_t length) { return ::send(sender_.get(), bytes, length, MSG_NOSIGNAL) >= 0; }

  bool sendTrain(const uint8_t* bytes) {
    alignas(cmsghdr) char control[kSegmentControlSize];
    writeSegmentSize(control, kSegmentSize);
    iovec vector{const_cast<uint8_t*>(bytes), kTrainLength};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    return ::sendmsg(sender_.get(), &header, MSG_NOSIGNAL) == static_cast<ssize_t>(kTrainLength);
  }

  /** One read; `false` when nothing came. */
  bool receive(uint8_t* bytes, size_t room, uint32_t* length, uint32_t* segmentSize) {
    pollfd waiting{receiver_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, kPatience) <= 0) return false;
    // As much as a socket that is asked for packet info gets: it comes with each.
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
    iovec vector{bytes, room};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t received = ::recvmsg(receiver_.get(), &header, MSG_DONTWAIT);
    if (received < 0) return false;
    *length = static_cast<uint32_t>(received);
    *segmentSize = pqtun::readGroSize(&header);
    return true;
  }

 private:
  static bool join(const UniqueFd& from, const UniqueFd& to) {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    auto* address = reinterpret_cast<sockaddr*>(&name);
    return ::getsockname(to.get(), address, &length) == 0 && ::connect(from.get(), address, length) == 0;
  }

  UniqueFd sender_;
  UniqueFd receiver_;
};

/** Whether three datagrams come out, each as it went in. */
bool receiveTrain(Pair* pair, const uint8_t* expected) {
  std::array<uint8_t, 65536> bytes;
  size_t taken = 0;
  while (taken < kTrainLength) {
    uint32_t length = 0;
    uint32_t segmentSize = 0;
    if (!pair->receive(bytes.data(), bytes.size(), &length, &segmentSize)) return false;
    pqtun::GroDatagrams datagrams(bytes.data(), length, segmentSize, false);
    for (pqtun::Datagram datagram; datagrams.next(&datagram);) {
      const size_t left = kTrainLength - taken;
      const size_t wanted = left < kSegmentSize ? left : kSegmentSize;
      if (datagram.length != wanted || std::memcmp(datagram.bytes, expected + taken, wanted) != 0) return false;
      taken += wanted;
    }
  }
  return true;
}

Outcome testFamily(int family) {
  Outcome outcome;
  Pair pair;
  if (!pair.open(family)) return outcome;
  std::array<uint8_t, kTrainLength> train;
  for (size_t i = 0; i < train.size(); ++i) train[i] = static_cast<uint8_t>(i * 7 + i / 251);
  // Where not even this arrives, there is nothing to learn: a firewall, or no loopback.
  uint8_t byte = 0;
  uint32_t length = 0;
  uint32_t segmentSize = 0;
  if (!pair.send(train.data(), 1) || !pair.receive(&byte, 1, &length, &segmentSize)) return outcome;
  outcome.gso = pair.sendTrain(train.data()) && receiveTrain(&pair, train.data()) ? Verdict::works : Verdict::fails;
  if (!pair.joinOnReceive()) {
    outcome.gro = Verdict::fails;
  } else if (outcome.gso == Verdict::works) {
    outcome.gro = pair.sendTrain(train.data()) && receiveTrain(&pair, train.data()) ? Verdict::works : Verdict::fails;
  }
  return outcome;
}

/** Whether the kernel knows the option at all. */
bool isKnown(int option, int value) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UniqueFd other(fd.valid() ? -1 : ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return !setSocketOption(fd.valid() ? fd.get() : other.get(), IPPROTO_UDP, option, value, "");
}

void settle(Offloads* offloads, Offload offload, bool known, Verdict ipv4, Verdict ipv6) {
  if (!offloads->wanted(offload)) return;
  if (!known) {
    offloads->turnOff(offload, "the kernel does not know it");
  } else if (ipv4 == Verdict::fails || ipv6 == Verdict::fails) {
    offloads->turnOff(offload, std::string("failed its self-test over ") + (ipv4 == Verdict::fails ? "IPv4" : "IPv6"));
  } else if (ipv4 == Verdict::untested && ipv6 == Verdict::untested) {
    offloads->turnOn(offload, "not tested: nothing can be sent over the loopback here");
  } else {
    offloads->turnOn(offload);
  }
}

}  // namespace

void testUdpOffloads(Offloads* offloads) {
  if (!offloads->wanted(Offload::udpGso) && !offloads->wanted(Offload::udpGro)) return;
  const Outcome ipv4 = testFamily(4);
  const Outcome ipv6 = testFamily(6);
  settle(offloads, Offload::udpGso, isKnown(UDP_SEGMENT, 0), ipv4.gso, ipv6.gso);
  settle(offloads, Offload::udpGro, isKnown(UDP_GRO, 1), ipv4.gro, ipv6.gro);
}

}  // namespace tuntap
