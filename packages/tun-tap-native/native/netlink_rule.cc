#include "netlink_rule.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <cerrno>

namespace tuntap::netlink {

namespace {

constexpr uint32_t kEveryBit = 0xffffffff;
// How the kernel says "suppresses nothing".
constexpr uint32_t kNoSuppression = 0xffffffff;

struct ParsedRule {
  RuleInfo rule;
  // Selectors a RuleInfo has no words for: such a rule is never the one asked for.
  bool selectsMore = false;
};

std::optional<ParsedRule> parseRule(const Message& message) {
  const std::optional<fib_rule_hdr> header = message.payload.read<fib_rule_hdr>();
  if (message.type != RTM_NEWRULE || !header) return std::nullopt;
  ParsedRule parsed;
  RuleInfo& rule = parsed.rule;
  rule.family = header->family;
  rule.priority = 0;
  rule.invert = (header->flags & FIB_RULE_INVERT) != 0;
  parsed.selectsMore = header->src_len != 0 || header->dst_len != 0 || header->tos != 0 || header->action != FR_ACT_TO_TBL;
  if (header->action == FR_ACT_TO_TBL) rule.table = header->table;
  for (AttributeReader attribute(message.payload.after(sizeof(fib_rule_hdr))); attribute.next();) {
    const std::optional<uint32_t> number = attribute.value().read<uint32_t>();
    switch (attribute.type()) {
      case FRA_PRIORITY:
        rule.priority = number.value_or(0);  // every rule there is has one; addRule() relies on it
        break;
      case FRA_FWMARK:
        rule.mark = number;
        break;
      case FRA_FWMASK:
        rule.mask = number;
        break;
      case FRA_TABLE:
        if (rule.table) rule.table = number;
        break;
      case FRA_SUPPRESS_PREFIXLEN:
        if (number != kNoSuppression) rule.suppressPrefixLength = number;
        break;
      // Sent with every rule, or no selector.
      case FRA_PROTOCOL:
      case FRA_PAD:
      case FRA_UNSPEC:
        break;
      default:
        parsed.selectsMore = true;
    }
  }
  // The kernel reports the mask of every mark; a full one is what a rule without a mask means.
  if (rule.mask && !rule.mark) rule.mark = 0;
  return parsed;
}

uint32_t effectiveMask(const RuleInfo& rule) { return rule.mask.value_or(rule.mark ? kEveryBit : 0); }

// Whether `existing` does what `wanted` asks for. Priorities count only where one is asked for.
bool agrees(const ParsedRule& existing, const RuleInfo& wanted) {
  const RuleInfo& rule = existing.rule;
  return !existing.selectsMore && (!wanted.priority || rule.priority == wanted.priority) &&
         rule.mark.value_or(0) == wanted.mark.value_or(0) && effectiveMask(rule) == effectiveMask(wanted) &&
         rule.table == wanted.table.value_or(RT_TABLE_MAIN) && rule.invert == wanted.invert &&
         rule.suppressPrefixLength == wanted.suppressPrefixLength;
}

Outcome dumpRules(Socket& socket, int family, std::vector<ParsedRule>* rules) {
  fib_rule_hdr header = {};
  header.family = static_cast<uint8_t>(family);
  MessageBuilder message(RTM_GETRULE, 0, header);
  return socket.dump(
      message, [&] { rules->clear(); },
      [&](const Message& answer) {
        const std::optional<ParsedRule> rule = parseRule(answer);
        if (rule && rule->rule.family == family) rules->push_back(*rule);
      });
}

// The first rule that agrees; `found` stays empty when none does.
Outcome findRule(Socket& socket, const RuleInfo& wanted, std::optional<RuleInfo>* found) {
  std::vector<ParsedRule> rules;
  Outcome outcome = dumpRules(socket, wanted.family, &rules);
  for (const ParsedRule& existing : rules) {
    if (!*found && agrees(existing, wanted)) *found = existing.rule;
  }
  return outcome;
}

MessageBuilder describe(uint16_t type, uint16_t flags, const RuleInfo& rule) {
  const uint32_t table = rule.table.value_or(RT_TABLE_MAIN);
  fib_rule_hdr header = {};
  header.family = static_cast<uint8_t>(rule.family);
  header.action = FR_ACT_TO_TBL;
  header.table = static_cast<uint8_t>(table <= UINT8_MAX ? table : RT_TABLE_UNSPEC);
  header.flags = rule.invert ? FIB_RULE_INVERT : 0;
  MessageBuilder message(type, flags, header);
  message.attribute(FRA_TABLE, table);
  if (rule.priority) message.attribute(FRA_PRIORITY, *rule.priority);
  if (rule.mark) message.attribute(FRA_FWMARK, *rule.mark);
  if (rule.mask) message.attribute(FRA_FWMASK, *rule.mask);
  if (rule.suppressPrefixLength) message.attribute(FRA_SUPPRESS_PREFIXLEN, *rule.suppressPrefixLength);
  return message;
}

}  // namespace

Outcome listRules(Socket& socket, int family, std::vector<RuleInfo>* rules) {
  std::vector<ParsedRule> parsed;
  Outcome outcome = dumpRules(socket, family, &parsed);
  for (const ParsedRule& rule : parsed) rules->push_back(rule.rule);
  return outcome;
}

Outcome addRule(Socket& socket, const RuleInfo& rule) {
  // The kernel compares priorities, and a rule without one always gets a new one: NLM_F_EXCL alone would let a restarted
  // program pile up its rules (rule_exists, fib_rules.c).
  std::optional<RuleInfo> existing;
  Outcome found = findRule(socket, rule, &existing);
  if (found.failed()) return found;
  if (existing) return {EEXIST, "such a rule has priority " + std::to_string(*existing->priority)};
  MessageBuilder message = describe(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
  return socket.request(message);
}

Outcome removeRule(Socket& socket, const RuleInfo& rule) {
  // The kernel deletes the first rule that does not contradict the request, and never looks at FIB_RULE_INVERT: asked for
  // "lookup main" it could take a rule with a mark. So look for the equal one, and name it by its priority as well.
  std::optional<RuleInfo> existing;
  Outcome found = findRule(socket, rule, &existing);
  if (found.failed()) return found;
  if (!existing) return {ENOENT, "no such rule"};
  RuleInfo exact = rule;
  exact.priority = existing->priority;
  MessageBuilder message = describe(RTM_DELRULE, 0, exact);
  return socket.request(message);
}

}  // namespace tuntap::netlink
