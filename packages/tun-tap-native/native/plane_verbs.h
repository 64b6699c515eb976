// The verbs of a data plane for JavaScript, the same for every object that owns one. src/plane-verbs.ts is their other half.
#pragma once

#include <node_api.h>

#include <cerrno>
#include <functional>
#include <memory>

#include "js.h"
#include "plane/data_plane.h"

namespace tuntap {

/** Calls it with the owner's plane, nobody else using that meanwhile; `false`, and not called, when the owner has closed. */
using WithPlane = std::function<bool(const std::function<void(pqtun::DataPlane&)>&)>;

/** Position 0 of the arguments is the owner. No JavaScript runs while the plane is held. */
using PlaneVerbCall = napi_value (*)(napi_env env, Arguments* arguments, const WithPlane& withPlane);

struct PlaneVerb {
  const char* name;
  PlaneVerbCall call;
};

extern const PlaneVerb kPlaneVerbs[];
extern const size_t kPlaneVerbCount;

/**
 * Sets all verbs as functions of `object`. `Owner` is what wrapHandle() hid with `*kTag`; it has
 * `bool withPlane(const std::function<void(pqtun::DataPlane&)>& act)`, as WithPlane says. On a closed one every verb throws EBADF.
 */
template <class Owner, const napi_type_tag* kTag>
void addPlaneVerbs(napi_env env, napi_value object) {
  const auto call = [](napi_env calling, napi_callback_info info) -> napi_value {
    void* data = nullptr;
    napi_get_cb_info(calling, info, nullptr, nullptr, nullptr, &data);
    Arguments arguments(calling, info);
    const std::shared_ptr<Owner> owner = arguments.handle<Owner>(0, *kTag);
    if (!arguments.ok()) return nullptr;
    const auto* verb = static_cast<const PlaneVerb*>(data);
    bool closed = false;
    const napi_value result = verb->call(calling, &arguments, [&](const std::function<void(pqtun::DataPlane&)>& act) {
      closed = !owner->withPlane(act);
      return !closed;
    });
    if (closed) throwOsError(calling, {EBADF, verb->name});
    return closed ? nullptr : result;
  };
  for (size_t i = 0; i < kPlaneVerbCount; i++) {
    const PlaneVerb& verb = kPlaneVerbs[i];
    napi_value function = nullptr;
    napi_create_function(env, verb.name, NAPI_AUTO_LENGTH, call, const_cast<PlaneVerb*>(&verb), &function);
    setProperty(env, object, verb.name, function);
  }
}

}  // namespace tuntap
