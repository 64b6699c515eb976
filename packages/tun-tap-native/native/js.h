#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

#include "os_error.h"
#include "slab.h"

namespace tuntap {

/** Throws a JavaScript Error with `code`, `errno` (negative, as Node's own) and `syscall`. */
void throwOsError(napi_env env, OsError error);
napi_value makeOsError(napi_env env, OsError error);

napi_value makeNumber(napi_env env, double value);
napi_value makeString(napi_env env, const char* value);
napi_value makeBoolean(napi_env env, bool value);
void setProperty(napi_env env, napi_value object, const char* name, napi_value value);
void setFunction(napi_env env, napi_value object, const char* name, napi_callback function);

/** An ArrayBuffer over the slab, which it keeps alive. `nullptr` with an exception pending when Node allows no such buffer. */
napi_value makeArrayBuffer(napi_env env, std::shared_ptr<Slab> slab);

/** Bytes of a typed array: JavaScript owns them, and they stay put only until JavaScript runs again. */
struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};
/** `false` when `value` is not a Uint8Array. */
bool readBytes(napi_env env, napi_value value, Bytes* bytes);

/**
 * The arguments of one call. The first that does not fit throws a TypeError naming it, and every later read gives an empty
 * value: read all, then ask ok(). The public API checks ranges; this is what keeps memory safe if it did not.
 */
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info);

  bool ok() const { return ok_; }
  bool isUndefined(size_t position) const;
  double number(size_t position, const char* name);
  /** An integer in low … high. */
  int64_t integer(size_t position, const char* name, int64_t low, int64_t high);
  bool boolean(size_t position, const char* name);
  std::string string(size_t position, const char* name);
  Bytes bytes(size_t position, const char* name);
  napi_value function(size_t position, const char* name);
  napi_value array(size_t position, const char* name, uint32_t* length);
  /** The object wrapHandle() hid behind `position`. */
  template <class T>
  std::shared_ptr<T> handle(size_t position, const napi_type_tag& tag) {
    void* box = unwrap(position, tag);
    return box == nullptr ? nullptr : *static_cast<std::shared_ptr<T>*>(box);
  }
  void refuse(const char* name, const char* expected);

 private:
  static constexpr size_t kMost = 16;

  napi_value at(size_t position) const { return position < count_ ? values_[position] : nullptr; }
  bool is(size_t position, napi_valuetype type) const;
  void* unwrap(size_t position, const napi_type_tag& tag);

  napi_env env_;
  napi_value values_[kMost];
  size_t count_ = kMost;
  bool ok_ = true;
};

/** Hides a native object behind a JavaScript value; the garbage collector closes it and drops its share. */
template <class T>
napi_value wrapHandle(napi_env env, std::shared_ptr<T> object, const napi_type_tag& tag) {
  auto* box = new std::shared_ptr<T>(std::move(object));
  const auto finalize = [](napi_env, void* data, void*) {
    auto* owned = static_cast<std::shared_ptr<T>*>(data);
    (*owned)->close();
    delete owned;
  };
  // A wrapped object and no external value: for those alive when a worker ends, Node 26 leaks 40 bytes each.
  napi_value value = nullptr;
  if (napi_create_object(env, &value) != napi_ok || napi_wrap(env, value, box, finalize, nullptr, nullptr) != napi_ok) {
    (*box)->close();
    delete box;
    return nullptr;
  }
  napi_type_tag_object(env, value, &tag);
  return value;
}

/**
 * A JavaScript function to be called from the event loop. Keeps it alive; an exception it throws becomes an uncaught
 * exception of the process (or worker), as one in an event handler would.
 */
class JsCallback {
 public:
  JsCallback(napi_env env, napi_value function, const char* resourceName);
  ~JsCallback();
  JsCallback(const JsCallback&) = delete;
  JsCallback& operator=(const JsCallback&) = delete;

  napi_env env() const { return env_; }
  /** Needs an open HandleScope. */
  void call(std::initializer_list<napi_value> arguments) const;

 private:
  napi_env env_;
  napi_ref function_ = nullptr;
  napi_async_context context_ = nullptr;
};

class HandleScope {
 public:
  explicit HandleScope(napi_env env) : env_(env) { napi_open_handle_scope(env_, &scope_); }
  ~HandleScope() { napi_close_handle_scope(env_, scope_); }
  HandleScope(const HandleScope&) = delete;
  HandleScope& operator=(const HandleScope&) = delete;

 private:
  napi_env env_;
  napi_handle_scope scope_ = nullptr;
};

}  // namespace tuntap
