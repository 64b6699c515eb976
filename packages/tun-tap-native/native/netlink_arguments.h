// What JavaScript hands to the netlink functions, checked: a wrong argument throws a TypeError or RangeError that names it.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <optional>
#include <string>

#include "netlink_link.h"
#include "netlink_message.h"
#include "netlink_route.h"
#include "netlink_rule.h"

namespace tuntap::netlink {

/**
 * Reads the arguments of one call. After the first wrong one an exception is pending, `failed()` is true and all further
 * reads return empty values; the caller looks once, at the end.
 */
class ArgumentReader {
 public:
  ArgumentReader(napi_env env, napi_callback_info info);

  bool failed() const { return failed_; }

  /** `position` counts from 0; `what` is the argument's name in messages. */
  std::string interfaceName(size_t position, const char* what);
  std::optional<std::string> optionalInterfaceName(size_t position, const char* what);
  std::optional<pid_t> optionalPid(size_t position, const char* what);
  /** 4 or 16 bytes. */
  IpAddress address(size_t position, const char* what);
  /** A prefix length that `ip` can have. */
  uint8_t bits(size_t position, const char* what, const IpAddress& ip);
  /** 4 or 6, as AF_INET or AF_INET6. */
  int family(size_t position, const char* what);
  std::optional<uint32_t> optionalNumber(size_t position, const char* what, uint32_t least, uint32_t most);
  napi_value function(size_t position, const char* what);

  LinkChange linkChange(size_t position);
  /** `forAdding` demands a gateway or a device. */
  RouteInfo route(size_t position, bool forAdding);
  RuleInfo rule(size_t position);

 private:
  napi_value argument(size_t position) const { return position < count_ ? values_[position] : nullptr; }
  napi_valuetype typeOf(napi_value value);
  bool absent(napi_value value) { return typeOf(value) == napi_undefined; }
  napi_value object(size_t position, const char* what);
  napi_value property(napi_value object, const char* name);

  std::string toInterfaceName(napi_value value, const std::string& what);
  IpAddress toAddress(napi_value value, const std::string& what);
  uint32_t toNumber(napi_value value, const std::string& what, uint32_t least, uint32_t most);
  bool toBoolean(napi_value value, const std::string& what);
  int toFamily(napi_value value, const std::string& what);
  std::optional<uint32_t> toOptionalNumber(napi_value value, const std::string& what, uint32_t least, uint32_t most);

  void refuseType(const std::string& what, const char* expected);
  void refuseRange(const std::string& what, const std::string& expected);

  static constexpr size_t kMostArguments = 3;
  napi_env env_;
  size_t count_ = kMostArguments;
  napi_value values_[kMostArguments] = {};
  bool failed_ = false;
};

}  // namespace tuntap::netlink
