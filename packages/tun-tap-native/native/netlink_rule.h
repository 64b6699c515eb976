// Policy routing rules by rtnetlink.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "netlink_socket.h"

namespace tuntap::netlink {

struct RuleInfo {
  int family = 0;
  /** Absent in a request: chosen by the kernel, just before the last one added without. */
  std::optional<uint32_t> priority;
  std::optional<uint32_t> mark;
  std::optional<uint32_t> mask;
  /** Absent in a request: main. Absent in a list: the rule does not lead to a table. */
  std::optional<uint32_t> table;
  bool invert = false;
  std::optional<uint32_t> suppressPrefixLength;
};

Outcome listRules(Socket& socket, int family, std::vector<RuleInfo>* rules);
/** EEXIST when there is such a rule, at the given priority or, without one, at any. */
Outcome addRule(Socket& socket, const RuleInfo& rule);
/** Removes the first rule that equals this one (in its priority only when given); ENOENT when there is none. */
Outcome removeRule(Socket& socket, const RuleInfo& rule);

}  // namespace tuntap::netlink
