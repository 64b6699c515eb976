#include "netlink_arguments.h"

#include <net/if.h>
#include <sys/socket.h>

#include <climits>
#include <cmath>

#include "js.h"

namespace tuntap::netlink {

namespace {

constexpr uint32_t kMostMtu = INT_MAX;
constexpr uint32_t kMostPid = INT_MAX;

// dev_valid_name (net/core/dev.c), so that the message is ours and not just EINVAL.
bool isInterfaceName(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  return name.find_first_of(std::string("/: \t\n\v\f\r\0", 9)) == std::string::npos;
}

// Whether a bit beyond the prefix is set.
bool hasHostBits(const IpAddress& ip, uint8_t bits) {
  for (size_t bit = bits; bit < ip.hostBits(); bit++) {
    if (ip.bytes[bit / 8] & (0x80 >> (bit % 8))) return true;
  }
  return false;
}

}  // namespace

ArgumentReader::ArgumentReader(napi_env env, napi_callback_info info) : env_(env) {
  if (napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr) != napi_ok) {
    failed_ = true;
    count_ = 0;
  }
}

std::string ArgumentReader::interfaceName(size_t position, const char* what) {
  return toInterfaceName(argument(position), what);
}

std::optional<std::string> ArgumentReader::optionalInterfaceName(size_t position, const char* what) {
  if (absent(argument(position))) return std::nullopt;
  return toInterfaceName(argument(position), what);
}

std::optional<pid_t> ArgumentReader::optionalPid(size_t position, const char* what) {
  const std::optional<uint32_t> pid = toOptionalNumber(argument(position), what, 1, kMostPid);
  if (!pid) return std::nullopt;
  return static_cast<pid_t>(*pid);
}

IpAddress ArgumentReader::address(size_t position, const char* what) { return toAddress(argument(position), what); }

uint8_t ArgumentReader::bits(size_t position, const char* what, const IpAddress& ip) {
  return static_cast<uint8_t>(toNumber(argument(position), what, 0, ip.hostBits()));
}

int ArgumentReader::family(size_t position, const char* what) { return toFamily(argument(position), what); }

std::optional<uint32_t> ArgumentReader::optionalNumber(size_t position, const char* what, uint32_t least, uint32_t most) {
  return toOptionalNumber(argument(position), what, least, most);
}

napi_value ArgumentReader::function(size_t position, const char* what) {
  if (!failed_ && typeOf(argument(position)) != napi_function) refuseType(what, "a function");
  return argument(position);
}

LinkChange ArgumentReader::linkChange(size_t position) {
  LinkChange change;
  const napi_value object = this->object(position, "change");
  const napi_value up = property(object, "up");
  if (!absent(up)) change.up = toBoolean(up, "change.up");
  change.mtu = toOptionalNumber(property(object, "mtu"), "change.mtu", 1, kMostMtu);
  change.txQueueLength = toOptionalNumber(property(object, "txQueueLength"), "change.txQueueLength", 0, UINT32_MAX);
  const napi_value rename = property(object, "rename");
  if (!absent(rename)) change.rename = toInterfaceName(rename, "change.rename");
  const std::optional<uint32_t> pid = toOptionalNumber(property(object, "netnsPid"), "change.netnsPid", 1, kMostPid);
  if (pid) change.netnsPid = static_cast<pid_t>(*pid);
  return change;
}

RouteInfo ArgumentReader::route(size_t position, bool forAdding) {
  RouteInfo route;
  const napi_value object = this->object(position, "route");
  route.destination = toAddress(property(object, "destination"), "route.destination");
  route.bits = static_cast<uint8_t>(toNumber(property(object, "bits"), "route.bits", 0, route.destination.hostBits()));
  // IPv4 refuses host bits, IPv6 silently drops them; removing what was added must not depend on the family.
  if (!failed_ && hasHostBits(route.destination, route.bits)) {
    refuseRange("route.destination", "without bits beyond the prefix of " + std::to_string(route.bits));
  }
  const napi_value gateway = property(object, "gateway");
  if (!absent(gateway)) route.gateway = toAddress(gateway, "route.gateway");
  if (!failed_ && route.destination.size == 16 && route.gateway.size == 4) {
    refuseRange("route.gateway", "of 16 bytes, as the destination");
  }
  const napi_value device = property(object, "device");
  if (!absent(device)) route.device = toInterfaceName(device, "route.device");
  if (forAdding && route.gateway.empty() && !route.device) refuseType("route", "an object with gateway or device");
  route.table = toOptionalNumber(property(object, "table"), "route.table", 1, UINT32_MAX);
  route.metric = toOptionalNumber(property(object, "metric"), "route.metric", 0, UINT32_MAX);
  const napi_value source = property(object, "source");
  if (!absent(source)) route.source = toAddress(source, "route.source");
  if (!failed_ && !route.source.empty() && route.source.size != route.destination.size) {
    refuseRange("route.source", "of as many bytes as the destination");
  }
  route.mtu = toOptionalNumber(property(object, "mtu"), "route.mtu", 1, kMostMtu);
  return route;
}

RuleInfo ArgumentReader::rule(size_t position) {
  RuleInfo rule;
  const napi_value object = this->object(position, "rule");
  rule.family = toFamily(property(object, "family"), "rule.family");
  rule.priority = toOptionalNumber(property(object, "priority"), "rule.priority", 0, UINT32_MAX);
  rule.mark = toOptionalNumber(property(object, "mark"), "rule.mark", 0, UINT32_MAX);
  rule.mask = toOptionalNumber(property(object, "mask"), "rule.mask", 0, UINT32_MAX);
  rule.table = toOptionalNumber(property(object, "table"), "rule.table", 1, UINT32_MAX);
  const napi_value invert = property(object, "invert");
  if (!absent(invert)) rule.invert = toBoolean(invert, "rule.invert");
  const uint32_t mostBits = rule.family == AF_INET6 ? 128 : 32;
  rule.suppressPrefixLength =
      toOptionalNumber(property(object, "suppressPrefixLength"), "rule.suppressPrefixLength", 0, mostBits);
  return rule;
}

napi_valuetype ArgumentReader::typeOf(napi_value value) {
  napi_valuetype type = napi_undefined;
  if (value && napi_typeof(env_, value, &type) != napi_ok) failed_ = true;
  return type;
}

napi_value ArgumentReader::object(size_t position, const char* what) {
  const napi_value value = argument(position);
  if (!failed_ && typeOf(value) != napi_object) refuseType(what, "an object");
  return value;
}

napi_value ArgumentReader::property(napi_value object, const char* name) {
  napi_value value = nullptr;
  if (failed_) return nullptr;
  // A getter may throw; its exception is then the pending one.
  if (napi_get_named_property(env_, object, name, &value) != napi_ok) {
    failed_ = true;
    return nullptr;
  }
  return value;
}

std::string ArgumentReader::toInterfaceName(napi_value value, const std::string& what) {
  if (failed_) return {};
  if (typeOf(value) != napi_string) {
    refuseType(what, "a string");
    return {};
  }
  // The length first: a buffer cuts between characters, so a name too long could arrive as one that fits.
  size_t length = 0;
  char buffer[IFNAMSIZ];
  if (napi_get_value_string_utf8(env_, value, nullptr, 0, &length) != napi_ok ||
      (length < sizeof(buffer) &&
       napi_get_value_string_utf8(env_, value, buffer, sizeof(buffer), &length) != napi_ok)) {
    failed_ = true;
    return {};
  }
  const std::string name = length < sizeof(buffer) ? std::string(buffer, length) : std::string();
  if (!isInterfaceName(name)) {
    refuseRange(what, "an interface name of 1 to 15 bytes without slash, colon or space");
    return {};
  }
  return name;
}

IpAddress ArgumentReader::toAddress(napi_value value, const std::string& what) {
  if (failed_) return {};
  Bytes bytes;
  if (!readBytes(env_, value, &bytes)) {
    refuseType(what, "a Uint8Array");
    return {};
  }
  if (bytes.length != 4 && bytes.length != 16) {
    refuseRange(what, "4 or 16 bytes long");
    return {};
  }
  return ByteView{bytes.data, bytes.length}.address();
}

uint32_t ArgumentReader::toNumber(napi_value value, const std::string& what, uint32_t least, uint32_t most) {
  if (failed_) return 0;
  double number = 0;
  if (typeOf(value) != napi_number) {
    refuseType(what, "a number");
    return 0;
  }
  if (napi_get_value_double(env_, value, &number) != napi_ok) {
    failed_ = true;
    return 0;
  }
  // Written so that NaN fails.
  if (!(number >= least && number <= most) || number != std::floor(number)) {
    refuseRange(what, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return 0;
  }
  return static_cast<uint32_t>(number);
}

std::optional<uint32_t> ArgumentReader::toOptionalNumber(napi_value value, const std::string& what, uint32_t least,
                                                         uint32_t most) {
  if (failed_ || absent(value)) return std::nullopt;
  return toNumber(value, what, least, most);
}

bool ArgumentReader::toBoolean(napi_value value, const std::string& what) {
  bool result = false;
  if (failed_) return result;
  if (typeOf(value) != napi_boolean) {
    refuseType(what, "a boolean");
  } else if (napi_get_value_bool(env_, value, &result) != napi_ok) {
    failed_ = true;
  }
  return result;
}

int ArgumentReader::toFamily(napi_value value, const std::string& what) {
  const uint32_t family = toNumber(value, what, 4, 6);
  if (!failed_ && family == 5) refuseRange(what, "4 or 6");
  return family == 6 ? AF_INET6 : AF_INET;
}

void ArgumentReader::refuseType(const std::string& what, const char* expected) {
  if (failed_) return;
  failed_ = true;
  napi_throw_type_error(env_, "ERR_INVALID_ARG_TYPE", (what + " must be " + expected).c_str());
}

void ArgumentReader::refuseRange(const std::string& what, const std::string& expected) {
  if (failed_) return;
  failed_ = true;
  napi_throw_range_error(env_, "ERR_OUT_OF_RANGE", (what + " must be " + expected).c_str());
}

}  // namespace tuntap::netlink
