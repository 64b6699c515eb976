#include "js.h"

#include <cmath>

namespace tuntap {

napi_value makeOsError(napi_env env, OsError error) {
  const std::string text = std::string(errorName(error.code)) + ": " + errorText(error.code) + ", " + error.call;
  napi_value result = nullptr;
  napi_create_error(env, makeString(env, errorName(error.code)), makeString(env, text.c_str()), &result);
  setProperty(env, result, "errno", makeNumber(env, -error.code));
  setProperty(env, result, "syscall", makeString(env, error.call));
  return result;
}

void throwOsError(napi_env env, OsError error) { napi_throw(env, makeOsError(env, error)); }

napi_value makeNumber(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

napi_value makeString(napi_env env, const char* value) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  return result;
}

napi_value makeBoolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

void setProperty(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

void setFunction(napi_env env, napi_value object, const char* name, napi_callback function) {
  napi_value value = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  setProperty(env, object, name, value);
}

napi_value makeArrayBuffer(napi_env env, std::shared_ptr<Slab> slab) {
  auto* share = new std::shared_ptr<Slab>(std::move(slab));
  const auto release = [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Slab>*>(hint); };
  napi_value result = nullptr;
  const napi_status status =
      napi_create_external_arraybuffer(env, (*share)->data(), (*share)->size(), release, share, &result);
  if (status == napi_ok) return result;
  delete share;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, "ERR_NO_EXTERNAL_BUFFERS", "this build of Node.js allows no external ArrayBuffer");
  return nullptr;
}

bool readBytes(napi_env env, napi_value value, Bytes* bytes) {
  bool typed = false;
  if (value == nullptr || napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return false;
  napi_typedarray_type type;
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
  if (type != napi_uint8_array) return false;
  *bytes = {static_cast<uint8_t*>(data), length};
  return true;
}

Arguments::Arguments(napi_env env, napi_callback_info info) : env_(env) {
  if (napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr) != napi_ok) count_ = 0;
  if (count_ > kMost) count_ = kMost;
}

bool Arguments::is(size_t position, napi_valuetype type) const {
  napi_valuetype actual = napi_undefined;
  napi_value value = at(position);
  if (value != nullptr && napi_typeof(env_, value, &actual) != napi_ok) return false;
  return actual == type;
}

bool Arguments::isUndefined(size_t position) const { return is(position, napi_undefined); }

void Arguments::refuse(const char* name, const char* expected) {
  if (ok_) napi_throw_type_error(env_, "ERR_INVALID_ARG_TYPE", (std::string(name) + " must be " + expected).c_str());
  ok_ = false;
}

double Arguments::number(size_t position, const char* name) {
  double result = 0;
  if (!is(position, napi_number) || napi_get_value_double(env_, at(position), &result) != napi_ok) refuse(name, "a number");
  return result;
}

int64_t Arguments::integer(size_t position, const char* name, int64_t low, int64_t high) {
  const double value = number(position, name);
  if (!(value >= static_cast<double>(low) && value <= static_cast<double>(high)) || value != std::floor(value)) {
    refuse(name, ("an integer from " + std::to_string(low) + " to " + std::to_string(high)).c_str());
    return low;
  }
  return static_cast<int64_t>(value);
}

bool Arguments::boolean(size_t position, const char* name) {
  bool result = false;
  if (!is(position, napi_boolean) || napi_get_value_bool(env_, at(position), &result) != napi_ok) refuse(name, "a boolean");
  return result;
}

std::string Arguments::string(size_t position, const char* name) {
  size_t length = 0;
  if (!is(position, napi_string) || napi_get_value_string_utf8(env_, at(position), nullptr, 0, &length) != napi_ok) {
    refuse(name, "a string");
    return {};
  }
  std::string result(length, '\0');
  napi_get_value_string_utf8(env_, at(position), &result[0], length + 1, &length);
  return result;
}

Bytes Arguments::bytes(size_t position, const char* name) {
  Bytes result;
  if (!readBytes(env_, at(position), &result)) refuse(name, "a Uint8Array");
  return result;
}

napi_value Arguments::function(size_t position, const char* name) {
  if (!is(position, napi_function)) refuse(name, "a function");
  return at(position);
}

napi_value Arguments::array(size_t position, const char* name, uint32_t* length) {
  bool array = false;
  napi_value value = at(position);
  if (value != nullptr) napi_is_array(env_, value, &array);
  if (!array || napi_get_array_length(env_, value, length) != napi_ok) {
    *length = 0;
    refuse(name, "an array");
  }
  return value;
}

void* Arguments::unwrap(size_t position, const napi_type_tag& tag) {
  void* data = nullptr;
  bool tagged = false;
  if (is(position, napi_object)) {
    napi_check_object_type_tag(env_, at(position), &tag, &tagged);
    if (tagged) napi_unwrap(env_, at(position), &data);
  }
  if (data == nullptr) refuse("handle", "one this addon has opened");
  return data;
}

JsCallback::JsCallback(napi_env env, napi_value function, const char* resourceName) : env_(env) {
  napi_create_reference(env, function, 1, &function_);
  napi_async_init(env, nullptr, makeString(env, resourceName), &context_);
}

JsCallback::~JsCallback() {
  if (context_ != nullptr) napi_async_destroy(env_, context_);
  if (function_ != nullptr) napi_delete_reference(env_, function_);
}

void JsCallback::call(std::initializer_list<napi_value> arguments) const {
  // The function may close its owner and so destroy this object: nothing of it is used after the call.
  const napi_env env = env_;
  napi_value function = nullptr;
  napi_value receiver = nullptr;
  if (napi_get_reference_value(env, function_, &function) != napi_ok || function == nullptr) return;
  // A plain object where a receiver is required; the functions are arrow functions of ours.
  if (napi_get_global(env, &receiver) != napi_ok) return;
  napi_make_callback(env, context_, receiver, function, arguments.size(), arguments.begin(), nullptr);
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) return;
  napi_value thrown = nullptr;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

}  // namespace tuntap
