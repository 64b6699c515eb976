// What the netlink functions hand to JavaScript: the objects of src/types.ts, and errors.
#pragma once

#include <node_api.h>

#include <string>
#include <vector>

#include "js.h"
#include "netlink_address.h"
#include "netlink_link.h"
#include "netlink_route.h"
#include "netlink_rule.h"

namespace tuntap::netlink {

napi_value toValue(napi_env env, const LinkInfo& link);
napi_value toValue(napi_env env, const AddressInfo& address);
napi_value toValue(napi_env env, const RouteInfo& route);
napi_value toValue(napi_env env, const LookupInfo& lookup);
napi_value toValue(napi_env env, const RuleInfo& rule);

template <typename Info>
napi_value toArray(napi_env env, const std::vector<Info>& infos) {
  napi_value array = nullptr;
  if (napi_create_array_with_length(env, infos.size(), &array) != napi_ok) return nullptr;
  uint32_t position = 0;
  for (const Info& info : infos) {
    // A routing table may have a million entries: their handles must not wait for the end of the call.
    HandleScope scope(env);
    napi_set_element(env, array, position++, toValue(env, info));
  }
  return array;
}

/**
 * Throws an Error with `code`, `errno` (negative, as Node's own) and `syscall`. `operation` completes "cannot …" and names
 * the object, e.g. "add address 10.0.0.1/24 to eth0".
 */
void throwOutcome(napi_env env, const Outcome& outcome, const std::string& operation, const char* syscall = "netlink");

/** How errors name their object. */
std::string describe(const IpAddress& ip, uint8_t bits);
std::string describe(const RouteInfo& route);
std::string describe(const RuleInfo& rule);

}  // namespace tuntap::netlink
