#include "netlink_address.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink_link.h"

namespace tuntap::netlink {

namespace {

std::optional<AddressInfo> parseAddress(const Message& message) {
  const std::optional<ifaddrmsg> header = message.payload.read<ifaddrmsg>();
  if (message.type != RTM_NEWADDR || !header) return std::nullopt;
  IpAddress local;
  IpAddress address;
  for (AttributeReader attribute(message.payload.after(sizeof(ifaddrmsg))); attribute.next();) {
    if (attribute.type() == IFA_LOCAL) local = attribute.value().address();
    if (attribute.type() == IFA_ADDRESS) address = attribute.value().address();
  }
  // On a point-to-point link IFA_ADDRESS is the other end; IPv6 sends IFA_LOCAL only then.
  AddressInfo info;
  info.interfaceIndex = header->ifa_index;
  info.ip = local.empty() ? address : local;
  info.bits = header->ifa_prefixlen;
  if (info.ip.empty() || info.ip.family() != header->ifa_family) return std::nullopt;
  return info;
}

Outcome change(Socket& socket, uint16_t type, uint16_t flags, const std::string& name, const IpAddress& ip, uint8_t bits) {
  LinkInfo link;
  Outcome found = findLink(socket, name, &link);
  if (found.failed()) return found;

  ifaddrmsg header = {};
  header.ifa_family = static_cast<uint8_t>(ip.family());
  header.ifa_prefixlen = bits;
  header.ifa_index = link.index;
  if (ip.family() == AF_INET6) header.ifa_flags = IFA_F_NODAD;
  // The kernel takes the scope as given: a loopback address of global scope could become the source of a packet that leaves.
  if (ip.family() == AF_INET && ip.bytes[0] == 127) header.ifa_scope = RT_SCOPE_HOST;
  MessageBuilder message(type, flags, header);
  message.attribute(IFA_LOCAL, ip);
  message.attribute(IFA_ADDRESS, ip);
  return socket.request(message);
}

}  // namespace

Outcome listAddresses(Socket& socket, const std::optional<std::string>& name, std::vector<AddressInfo>* addresses) {
  uint32_t wanted = 0;
  if (name) {
    LinkInfo link;
    Outcome found = findLink(socket, *name, &link);
    if (found.failed()) return found;
    wanted = link.index;
  }
  std::vector<AddressInfo> found;
  for (const int family : {AF_INET, AF_INET6}) {
    ifaddrmsg header = {};
    header.ifa_family = static_cast<uint8_t>(family);
    // Not asked for by interface: such a dump never says that it was interrupted, and loses addresses when others go
    // meanwhile (inet_dump_ifaddr sets cb->seq only on its other path; seen on 6.18).
    MessageBuilder message(RTM_GETADDR, 0, header);
    Outcome outcome = socket.dump(
        message, [&] { found.clear(); },
        [&](const Message& answer) {
          const std::optional<AddressInfo> address = parseAddress(answer);
          if (address && (wanted == 0 || address->interfaceIndex == wanted)) found.push_back(*address);
        });
    if (outcome.failed()) return outcome;
    addresses->insert(addresses->end(), found.begin(), found.end());
  }
  return {};
}

Outcome addAddress(Socket& socket, const std::string& name, const IpAddress& ip, uint8_t bits) {
  return change(socket, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, name, ip, bits);
}

Outcome removeAddress(Socket& socket, const std::string& name, const IpAddress& ip, uint8_t bits) {
  return change(socket, RTM_DELADDR, 0, name, ip, bits);
}

}  // namespace tuntap::netlink
