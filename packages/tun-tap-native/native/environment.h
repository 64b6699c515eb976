#pragma once

#include <node_api.h>
#include <uv.h>

#include <cstddef>
#include <memory>
#include <set>

namespace tuntap {

class Resource;

/**
 * What belongs to one JavaScript environment (the main thread, or one worker): its loop and everything open in it.
 *
 * There is no other state in the addon, so that any number of environments can use it at once. When the environment ends,
 * an asynchronous clean-up hook closes every resource and holds the environment until libuv has let go of the last handle;
 * a worker's loop would abort the process otherwise.
 */
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  /** Creates it and ties it to `env`. Call once, at module initialisation. `false`: Node refused. */
  static bool install(napi_env env);
  static std::shared_ptr<Environment> of(napi_env env);

  uv_loop_t* loop() const { return loop_; }

  void add(Resource* resource) { resources_.insert(resource); }
  void remove(Resource* resource) { resources_.erase(resource); }
  /** Call after initialising a libuv handle, and from its close callback. */
  void handleOpened() { ++openHandles_; }
  void handleClosed();

 private:
  explicit Environment(uv_loop_t* loop) : loop_(loop) {}
  static void onTearDown(napi_async_cleanup_hook_handle hook, void* data);

  uv_loop_t* loop_;
  std::set<Resource*> resources_;
  size_t openHandles_ = 0;
  napi_async_cleanup_hook_handle tearDownHook_ = nullptr;
};

/** Something that must be closed before its environment ends. Registers itself; derive from it and call close() in the destructor. */
class Resource {
 public:
  explicit Resource(std::shared_ptr<Environment> environment) : environment_(std::move(environment)) {
    environment_->add(this);
  }
  virtual ~Resource() { environment_->remove(this); }
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;

  /** Lets go of descriptors, handles and callbacks. Must be harmless when repeated, and may run inside a callback. */
  virtual void close() = 0;

 protected:
  const std::shared_ptr<Environment>& environment() const { return environment_; }

 private:
  std::shared_ptr<Environment> environment_;
};

}  // namespace tuntap
