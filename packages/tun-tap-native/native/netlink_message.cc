#include "netlink_message.h"

#include <arpa/inet.h>
#include <sys/socket.h>

namespace tuntap::netlink {

namespace {

size_t padded(size_t length) { return (length + NLMSG_ALIGNTO - 1) & ~static_cast<size_t>(NLMSG_ALIGNTO - 1); }

}  // namespace

int IpAddress::family() const { return size == 16 ? AF_INET6 : size == 4 ? AF_INET : AF_UNSPEC; }

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (!empty()) inet_ntop(family(), bytes, buffer, sizeof(buffer));
  return buffer;
}

ByteView ByteView::after(size_t length) const {
  if (length >= size) return {};  // first: padding a length near the largest would make it small
  const size_t skip = padded(length);
  if (skip >= size) return {};
  return {data + skip, size - skip};
}

IpAddress ByteView::address() const {
  IpAddress address;
  if (size != 4 && size != 16) return address;
  address.size = static_cast<uint8_t>(size);
  std::memcpy(address.bytes, data, size);
  return address;
}

std::string ByteView::text() const {
  if (size == 0) return {};
  const void* end = std::memchr(data, 0, size);
  const size_t length = end ? static_cast<size_t>(static_cast<const uint8_t*>(end) - data) : size;
  return std::string(reinterpret_cast<const char*>(data), length);
}

bool AttributeReader::next() {
  const std::optional<nlattr> header = rest_.read<nlattr>();
  if (!header || header->nla_len < NLA_HDRLEN || header->nla_len > rest_.size) return false;
  type_ = header->nla_type & NLA_TYPE_MASK;
  value_ = {rest_.data + NLA_HDRLEN, header->nla_len - static_cast<size_t>(NLA_HDRLEN)};
  rest_ = rest_.after(header->nla_len);
  return true;
}

bool MessageReader::next() {
  const std::optional<nlmsghdr> header = rest_.read<nlmsghdr>();
  if (!header || header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > rest_.size) return false;
  header_ = *header;
  payload_ = {rest_.data + NLMSG_HDRLEN, header->nlmsg_len - static_cast<size_t>(NLMSG_HDRLEN)};
  rest_ = rest_.after(header->nlmsg_len);
  return true;
}

void MessageBuilder::append(const void* value, size_t size) {
  const uint8_t* bytes = static_cast<const uint8_t*>(value);
  bytes_.insert(bytes_.end(), bytes, bytes + size);
  bytes_.resize(padded(bytes_.size()));
}

void MessageBuilder::attribute(uint16_t type, const void* value, size_t size) {
  nlattr header = {};
  header.nla_type = type;
  header.nla_len = static_cast<uint16_t>(NLA_HDRLEN + size);
  append(&header, sizeof(header));
  append(value, size);
}

size_t MessageBuilder::open(uint16_t type) {
  const size_t position = bytes_.size();
  attribute(static_cast<uint16_t>(type | NLA_F_NESTED), nullptr, 0);
  return position;
}

void MessageBuilder::close(size_t opened) {
  const uint16_t length = static_cast<uint16_t>(bytes_.size() - opened);
  std::memcpy(bytes_.data() + opened + offsetof(nlattr, nla_len), &length, sizeof(length));
}

const std::vector<uint8_t>& MessageBuilder::finish(uint16_t moreFlags, uint32_t sequence) {
  nlmsghdr header = {};
  header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
  header.nlmsg_type = type_;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags_ | moreFlags);
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return bytes_;
}

}  // namespace tuntap::netlink
