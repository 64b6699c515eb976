// Netlink messages as bytes: what we build for the kernel, and how its answers are walked without trusting a length.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace tuntap::netlink {

/** An IPv4 or IPv6 address in network byte order; size 0 means "none". */
struct IpAddress {
  uint8_t size = 0;
  uint8_t bytes[16] = {};

  bool empty() const { return size == 0; }
  int family() const;
  /** Length of a prefix that covers one address: 32 or 128. */
  uint8_t hostBits() const { return static_cast<uint8_t>(size * 8); }
  bool operator==(const IpAddress& other) const {
    return size == other.size && std::memcmp(bytes, other.bytes, size) == 0;
  }
  std::string text() const;
};

/** Bytes owned by somebody else, usually the receive buffer: valid until the next receive. */
struct ByteView {
  const uint8_t* data = nullptr;
  size_t size = 0;

  /** The leading T, or nothing when there are fewer bytes. Copies: attribute values are only 4-byte aligned. */
  template <typename T>
  std::optional<T> read() const {
    if (size < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, data, sizeof(T));
    return value;
  }
  /** What follows a header of `length` bytes (padded to 4); empty when there is nothing. */
  ByteView after(size_t length) const;
  /** An address of exactly the size its family has; anything else is "none". */
  IpAddress address() const;
  /** Text up to the first NUL, or to the end when the sender forgot it. */
  std::string text() const;
};

/** One message as received; `payload` starts with the family header (ifinfomsg, rtmsg, …). */
struct Message {
  uint16_t type = 0;
  uint16_t flags = 0;
  ByteView payload;
};

/** Walks the attributes of a message; stops at the first whose length does not fit. */
class AttributeReader {
 public:
  explicit AttributeReader(ByteView bytes) : rest_(bytes) {}
  bool next();
  /** Without the NLA_F_NESTED and byte order bits. */
  uint16_t type() const { return type_; }
  ByteView value() const { return value_; }

 private:
  ByteView rest_;
  uint16_t type_ = 0;
  ByteView value_;
};

/** Walks the messages of one datagram; stops at the first whose length does not fit. */
class MessageReader {
 public:
  explicit MessageReader(ByteView datagram) : rest_(datagram) {}
  bool next();
  const nlmsghdr& header() const { return header_; }
  ByteView payload() const { return payload_; }

 private:
  ByteView rest_;
  nlmsghdr header_ = {};
  ByteView payload_;
};

/** Builds one request. Sequence number and length are filled in by the socket when it is sent. */
class MessageBuilder {
 public:
  template <typename Header>
  MessageBuilder(uint16_t type, uint16_t flags, const Header& familyHeader) : type_(type), flags_(flags) {
    bytes_.resize(NLMSG_HDRLEN);
    append(&familyHeader, sizeof(familyHeader));
  }

  void attribute(uint16_t type, const void* value, size_t size);
  void attribute(uint16_t type, uint32_t value) { attribute(type, &value, sizeof(value)); }
  void attribute(uint16_t type, const std::string& value) { attribute(type, value.c_str(), value.size() + 1); }
  void attribute(uint16_t type, const IpAddress& value) { attribute(type, value.bytes, value.size); }
  /** Opens an attribute that holds others (or a raw header and others); give the result to `close`. */
  size_t open(uint16_t type);
  void close(size_t opened);
  void append(const void* value, size_t size);

  /** The finished message; stays owned by the builder. */
  const std::vector<uint8_t>& finish(uint16_t moreFlags, uint32_t sequence);

 private:
  uint16_t type_;
  uint16_t flags_;
  std::vector<uint8_t> bytes_;
};

}  // namespace tuntap::netlink
