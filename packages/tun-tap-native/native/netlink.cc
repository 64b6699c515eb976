// The JavaScript edge of netlink: read arguments, call, convert. No logic. Each function is named as the method of `Netlink`
// in src/types.ts that it implements.
#include "netlink.h"

#include <memory>
#include <string>
#include <vector>

#include "environment.h"
#include "js.h"
#include "netlink_address.h"
#include "netlink_arguments.h"
#include "netlink_link.h"
#include "netlink_results.h"
#include "netlink_route.h"
#include "netlink_rule.h"
#include "netlink_watch.h"

namespace tuntap::netlink {

namespace {

constexpr napi_type_tag kWatchTag = {0x5f1d0c3a9be24e67, 0x8a40b6e2d7135c91};

// Runs `work` with a socket of its own and throws what went wrong, naming the operation. True when all went well.
template <typename Work>
bool perform(napi_env env, const std::string& operation, const Work& work) {
  Socket socket;
  Outcome outcome = socket.open();
  if (!outcome.failed()) outcome = work(socket);
  if (outcome.failed()) throwOutcome(env, outcome, operation);
  return !outcome.failed();
}

napi_value links(napi_env env, napi_callback_info) {
  std::vector<LinkInfo> found;
  if (!perform(env, "list links", [&](Socket& socket) { return listLinks(socket, &found); })) return nullptr;
  return toArray(env, found);
}

napi_value link(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const std::string name = arguments.interfaceName(0, "name");
  if (arguments.failed()) return nullptr;
  LinkInfo found;
  bool absent = false;
  const bool done = perform(env, "look up link " + name, [&](Socket& socket) {
    Outcome outcome = findLink(socket, name, &found);
    absent = outcome.error == ENODEV;
    return absent ? Outcome{} : outcome;
  });
  return done && !absent ? toValue(env, found) : nullptr;
}

napi_value setLink(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const std::string name = arguments.interfaceName(0, "name");
  const LinkChange change = arguments.linkChange(1);
  if (arguments.failed()) return nullptr;
  perform(env, "change link " + name, [&](Socket& socket) { return netlink::setLink(socket, name, change); });
  return nullptr;
}

napi_value createVeth(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const std::string name = arguments.interfaceName(0, "name");
  const std::string peerName = arguments.interfaceName(1, "peerName");
  const std::optional<pid_t> pid = arguments.optionalPid(2, "peerNetnsPid");
  if (arguments.failed()) return nullptr;
  perform(env, "create veth pair " + name + " and " + peerName,
          [&](Socket& socket) { return netlink::createVeth(socket, name, peerName, pid); });
  return nullptr;
}

napi_value deleteLink(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const std::string name = arguments.interfaceName(0, "name");
  if (arguments.failed()) return nullptr;
  perform(env, "delete link " + name, [&](Socket& socket) { return netlink::deleteLink(socket, name); });
  return nullptr;
}

napi_value addresses(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const std::optional<std::string> name = arguments.optionalInterfaceName(0, "name");
  if (arguments.failed()) return nullptr;
  std::vector<AddressInfo> found;
  const bool done = perform(env, name ? "list addresses of " + *name : "list addresses",
                            [&](Socket& socket) { return listAddresses(socket, name, &found); });
  return done ? toArray(env, found) : nullptr;
}

napi_value addAddress(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const std::string name = arguments.interfaceName(0, "name");
  const IpAddress ip = arguments.address(1, "ip");
  const uint8_t bits = arguments.bits(2, "bits", ip);
  if (arguments.failed()) return nullptr;
  perform(env, "add address " + describe(ip, bits) + " to " + name,
          [&](Socket& socket) { return netlink::addAddress(socket, name, ip, bits); });
  return nullptr;
}

napi_value removeAddress(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const std::string name = arguments.interfaceName(0, "name");
  const IpAddress ip = arguments.address(1, "ip");
  const uint8_t bits = arguments.bits(2, "bits", ip);
  if (arguments.failed()) return nullptr;
  perform(env, "remove address " + describe(ip, bits) + " from " + name,
          [&](Socket& socket) { return netlink::removeAddress(socket, name, ip, bits); });
  return nullptr;
}

napi_value routes(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const int family = arguments.family(0, "family");
  const std::optional<uint32_t> table = arguments.optionalNumber(1, "table", 1, UINT32_MAX);
  if (arguments.failed()) return nullptr;
  std::vector<RouteInfo> found;
  const bool done = perform(env, table ? "list routes of table " + std::to_string(*table) : "list routes",
                            [&](Socket& socket) { return listRoutes(socket, family, table, &found); });
  return done ? toArray(env, found) : nullptr;
}

napi_value addRoute(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const RouteInfo route = arguments.route(0, true);
  if (arguments.failed()) return nullptr;
  perform(env, "add route " + describe(route), [&](Socket& socket) { return netlink::addRoute(socket, route); });
  return nullptr;
}

napi_value removeRoute(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const RouteInfo route = arguments.route(0, false);
  if (arguments.failed()) return nullptr;
  perform(env, "remove route " + describe(route), [&](Socket& socket) { return netlink::removeRoute(socket, route); });
  return nullptr;
}

napi_value routeTo(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const IpAddress ip = arguments.address(0, "ip");
  const uint32_t mark = arguments.optionalNumber(1, "mark", 0, UINT32_MAX).value_or(0);
  if (arguments.failed()) return nullptr;
  LookupInfo found;
  const bool done = perform(env, "find the route to " + ip.text(),
                            [&](Socket& socket) { return lookUpRoute(socket, ip, mark, &found); });
  return done ? toValue(env, found) : nullptr;
}

napi_value rules(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const int family = arguments.family(0, "family");
  if (arguments.failed()) return nullptr;
  std::vector<RuleInfo> found;
  const bool done = perform(env, "list rules", [&](Socket& socket) { return listRules(socket, family, &found); });
  return done ? toArray(env, found) : nullptr;
}

napi_value addRule(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const RuleInfo rule = arguments.rule(0);
  if (arguments.failed()) return nullptr;
  perform(env, "add rule " + describe(rule), [&](Socket& socket) { return netlink::addRule(socket, rule); });
  return nullptr;
}

napi_value removeRule(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const RuleInfo rule = arguments.rule(0);
  if (arguments.failed()) return nullptr;
  perform(env, "remove rule " + describe(rule), [&](Socket& socket) { return netlink::removeRule(socket, rule); });
  return nullptr;
}

/** watch(onChange: (changes: number) => void): handle. */
napi_value watch(napi_env env, napi_callback_info info) {
  ArgumentReader arguments(env, info);
  const napi_value function = arguments.function(0, "onChange");
  if (arguments.failed()) return nullptr;
  auto callback = std::make_shared<JsCallback>(env, function, "netlink-watch");
  auto opened = Watch::open(Environment::of(env), [callback](uint32_t changes) {
    HandleScope scope(callback->env());
    callback->call({makeNumber(callback->env(), changes)});
  });
  if (opened.error) {
    throwOutcome(env, {opened.error.code, opened.error.call}, "watch links, addresses and routes");
    return nullptr;
  }
  return wrapHandle(env, opened.value, kWatchTag);
}

/** closeWatch(handle). Harmless when repeated. */
napi_value closeWatch(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto open = arguments.handle<Watch>(0, kWatchTag);
  if (arguments.ok()) open->close();
  return nullptr;
}

}  // namespace

void init(napi_env env, napi_value exports) {
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok) return;
  setFunction(env, object, "links", links);
  setFunction(env, object, "link", link);
  setFunction(env, object, "setLink", setLink);
  setFunction(env, object, "createVeth", createVeth);
  setFunction(env, object, "deleteLink", deleteLink);
  setFunction(env, object, "addresses", addresses);
  setFunction(env, object, "addAddress", addAddress);
  setFunction(env, object, "removeAddress", removeAddress);
  setFunction(env, object, "routes", routes);
  setFunction(env, object, "addRoute", addRoute);
  setFunction(env, object, "removeRoute", removeRoute);
  setFunction(env, object, "routeTo", routeTo);
  setFunction(env, object, "rules", rules);
  setFunction(env, object, "addRule", addRule);
  setFunction(env, object, "removeRule", removeRule);
  setFunction(env, object, "watch", watch);
  setFunction(env, object, "closeWatch", closeWatch);
  setProperty(env, exports, "netlink", object);
}

}  // namespace tuntap::netlink

void initNetlink(napi_env env, napi_value exports) { tuntap::netlink::init(env, exports); }
