#include "environment.h"

#include <utility>
#include <vector>

namespace tuntap {

bool Environment::install(napi_env env) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return false;
  auto* box = new std::shared_ptr<Environment>(new Environment(loop));
  const auto destroy = [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Environment>*>(data); };
  if (napi_set_instance_data(env, box, destroy, nullptr) != napi_ok) {
    delete box;
    return false;
  }
  return napi_add_async_cleanup_hook(env, onTearDown, box->get(), nullptr) == napi_ok;
}

std::shared_ptr<Environment> Environment::of(napi_env env) {
  void* box = nullptr;
  napi_get_instance_data(env, &box);
  return *static_cast<std::shared_ptr<Environment>*>(box);
}

void Environment::handleClosed() {
  --openHandles_;
  if (openHandles_ == 0 && tearDownHook_ != nullptr) {
    napi_remove_async_cleanup_hook(std::exchange(tearDownHook_, nullptr));
  }
}

void Environment::onTearDown(napi_async_cleanup_hook_handle hook, void* data) {
  auto* self = static_cast<Environment*>(data);
  // A copy: close() may drop the last owner of another resource, which then takes itself off the set.
  const std::vector<Resource*> open(self->resources_.begin(), self->resources_.end());
  for (Resource* resource : open) {
    if (self->resources_.count(resource) != 0) resource->close();
  }
  if (self->openHandles_ == 0) {
    napi_remove_async_cleanup_hook(hook);
  } else {
    self->tearDownHook_ = hook;
  }
}

}  // namespace tuntap
