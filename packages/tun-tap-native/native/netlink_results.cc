#include "netlink_results.h"

#include <sys/socket.h>

#include <optional>

#include "os_error.h"

namespace tuntap::netlink {

namespace {

napi_value makeObject(napi_env env) {
  napi_value object = nullptr;
  napi_create_object(env, &object);
  return object;
}

napi_value makeUndefined(napi_env env) {
  napi_value value = nullptr;
  napi_get_undefined(env, &value);
  return value;
}

napi_value makeAddress(napi_env env, const IpAddress& ip) {
  if (ip.empty()) return makeUndefined(env);
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, ip.size, &data, &buffer) != napi_ok) return nullptr;
  std::memcpy(data, ip.bytes, ip.size);
  napi_create_typedarray(env, napi_uint8_array, ip.size, buffer, 0, &array);
  return array;
}

// The optional properties of src/types.ts are absent, not undefined.
void setOptional(napi_env env, napi_value object, const char* name, const std::optional<uint32_t>& value) {
  if (value) setProperty(env, object, name, makeNumber(env, *value));
}
void setOptional(napi_env env, napi_value object, const char* name, const IpAddress& value) {
  if (!value.empty()) setProperty(env, object, name, makeAddress(env, value));
}
void setOptional(napi_env env, napi_value object, const char* name, const std::optional<std::string>& value) {
  if (value) setProperty(env, object, name, makeString(env, value->c_str()));
}

void describeOptional(std::string* text, const char* word, const std::optional<uint32_t>& value) {
  if (value) *text += std::string(" ") + word + " " + std::to_string(*value);
}

}  // namespace

napi_value toValue(napi_env env, const LinkInfo& link) {
  const napi_value object = makeObject(env);
  setProperty(env, object, "index", makeNumber(env, link.index));
  setProperty(env, object, "name", makeString(env, link.name.c_str()));
  setProperty(env, object, "mtu", makeNumber(env, link.mtu));
  setProperty(env, object, "up", makeBoolean(env, link.up));
  setProperty(env, object, "running", makeBoolean(env, link.running));
  setProperty(env, object, "kind", link.kind ? makeString(env, link.kind->c_str()) : makeUndefined(env));
  return object;
}

napi_value toValue(napi_env env, const AddressInfo& address) {
  const napi_value object = makeObject(env);
  setProperty(env, object, "interfaceIndex", makeNumber(env, address.interfaceIndex));
  setProperty(env, object, "ip", makeAddress(env, address.ip));
  setProperty(env, object, "bits", makeNumber(env, address.bits));
  return object;
}

napi_value toValue(napi_env env, const RouteInfo& route) {
  const napi_value object = makeObject(env);
  setProperty(env, object, "destination", makeAddress(env, route.destination));
  setProperty(env, object, "bits", makeNumber(env, route.bits));
  setOptional(env, object, "gateway", route.gateway);
  setOptional(env, object, "device", route.device);
  setOptional(env, object, "table", route.table);
  setOptional(env, object, "metric", route.metric);
  setOptional(env, object, "source", route.source);
  setOptional(env, object, "mtu", route.mtu);
  return object;
}

napi_value toValue(napi_env env, const LookupInfo& lookup) {
  const napi_value object = makeObject(env);
  setProperty(env, object, "device", makeString(env, lookup.device.c_str()));
  setProperty(env, object, "interfaceIndex", makeNumber(env, lookup.interfaceIndex));
  setProperty(env, object, "gateway", makeAddress(env, lookup.gateway));
  setProperty(env, object, "source", makeAddress(env, lookup.source));
  setProperty(env, object, "mtu", makeNumber(env, lookup.mtu));
  return object;
}

napi_value toValue(napi_env env, const RuleInfo& rule) {
  const napi_value object = makeObject(env);
  setProperty(env, object, "family", makeNumber(env, rule.family == AF_INET6 ? 6 : 4));
  setOptional(env, object, "priority", rule.priority);
  setOptional(env, object, "mark", rule.mark);
  setOptional(env, object, "mask", rule.mask);
  setOptional(env, object, "table", rule.table);
  setProperty(env, object, "invert", makeBoolean(env, rule.invert));
  setOptional(env, object, "suppressPrefixLength", rule.suppressPrefixLength);
  return object;
}

void throwOutcome(napi_env env, const Outcome& outcome, const std::string& operation, const char* syscall) {
  std::string text = "cannot " + operation + ": " + errorName(outcome.error) + " (" + errorText(outcome.error) + ")";
  if (!outcome.detail.empty()) text += ": " + outcome.detail;
  napi_value error = nullptr;
  napi_create_error(env, makeString(env, errorName(outcome.error)), makeString(env, text.c_str()), &error);
  setProperty(env, error, "errno", makeNumber(env, -outcome.error));
  setProperty(env, error, "syscall", makeString(env, syscall));
  napi_throw(env, error);
}

std::string describe(const IpAddress& ip, uint8_t bits) { return ip.text() + "/" + std::to_string(bits); }

std::string describe(const RouteInfo& route) {
  std::string text = describe(route.destination, route.bits);
  if (!route.gateway.empty()) text += " via " + route.gateway.text();
  if (route.device) text += " dev " + *route.device;
  describeOptional(&text, "table", route.table);
  describeOptional(&text, "metric", route.metric);
  return text;
}

std::string describe(const RuleInfo& rule) {
  std::string text = rule.family == AF_INET6 ? "IPv6" : "IPv4";
  describeOptional(&text, "priority", rule.priority);
  if (rule.invert) text += " not";
  describeOptional(&text, "mark", rule.mark);
  describeOptional(&text, "mask", rule.mask);
  describeOptional(&text, "table", rule.table);
  describeOptional(&text, "suppress prefix length", rule.suppressPrefixLength);
  return text;
}

}  // namespace tuntap::netlink
