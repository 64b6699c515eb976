// What JavaScript hands over, whatever it is: every reader of arguments, over a Node-API that the input plays.
// sources: native/netlink_arguments.cc native/netlink_message.cc native/js.cc native/os_error.cc
// runs: 80000
//
// Node-API itself is not under test, so only those of its functions are here that the readers call; what else js.cc refers to
// ends the run when it is called. A value is made of the input when it is asked for: one byte for its type, then what that type needs.
#include <node_api.h>
#include <sys/socket.h>

#include <cmath>
#include <deque>

#include "input.h"
#include "js.h"
#include "netlink_arguments.h"

namespace {

struct Value {
  napi_valuetype type = napi_undefined;
  double number = 0;
  bool boolean = false;
  std::string text;
  bool typedArray = false;
  napi_typedarray_type elements = napi_uint8_array;
  std::vector<uint8_t> bytes;
  bool array = false;
};

/** The JavaScript side of one call. */
struct Caller {
  Input* input = nullptr;
  std::deque<Value> values;
  uint32_t exceptions = 0;

  /** Now and then a getter throws; an exception is pending then. */
  bool fails() {
    if (input->take<uint8_t>() != 0xee) return false;
    exceptions++;
    return true;
  }

  napi_value make() {
    Value value;
    const auto kind = input->take<uint8_t>();
    switch (kind % 10) {
      case 0:
        break;
      case 1:
        value.type = napi_null;
        break;
      case 2:
        value.type = napi_boolean;
        value.boolean = kind >= 128;
        break;
      case 3:
        value.type = napi_number;
        value.number = input->take<double>();
        break;
      case 4:
        value.type = napi_number;
        value.number = input->take<uint32_t>();
        break;
      case 5:
        value.type = napi_number;
        value.number = input->take<uint8_t>();
        break;
      case 6:
        value.type = napi_string;
        value.text = input->text();
        break;
      case 7:
        value.type = napi_object;
        value.typedArray = true;
        value.elements = static_cast<napi_typedarray_type>(kind < 200 ? napi_uint8_array : input->take<uint8_t>() % 11);
        value.bytes = input->bytes(kind >= 128 ? 16 : kind >= 64 ? 4 : input->take<uint8_t>());
        break;
      case 8:
        value.type = napi_function;
        break;
      default:
        value.type = napi_object;
        value.array = kind >= 128;
    }
    values.push_back(std::move(value));
    return reinterpret_cast<napi_value>(&values.back());
  }
};

Caller caller;

const Value& at(napi_value value) { return *reinterpret_cast<const Value*>(value); }

void checkNetlink(uint8_t what) {
  using namespace tuntap::netlink;
  ArgumentReader arguments(nullptr, nullptr);
  switch (what % 4) {
    case 0: {
      const RouteInfo route = arguments.route(0, what >= 128);
      if (arguments.failed()) break;
      require(route.destination.size == 4 || route.destination.size == 16);
      require(route.bits <= route.destination.hostBits());
      require(!route.device || (!route.device->empty() && route.device->size() < 16));
      require(!route.table || *route.table > 0);
      break;
    }
    case 1: {
      const RuleInfo rule = arguments.rule(0);
      require(arguments.failed() || rule.family == AF_INET || rule.family == AF_INET6);
      break;
    }
    case 2: {
      const LinkChange change = arguments.linkChange(0);
      if (arguments.failed()) break;
      require(!change.mtu || (*change.mtu > 0 && *change.mtu <= INT32_MAX));
      require(!change.rename || change.rename->size() < 16);
      require(!change.netnsPid || *change.netnsPid > 0);
      break;
    }
    default: {
      const std::string name = arguments.interfaceName(0, "name");
      const IpAddress ip = arguments.address(1, "ip");
      const uint8_t bits = arguments.bits(2, "bits", ip);
      if (!arguments.failed()) require(!name.empty() && !ip.empty() && bits <= ip.hostBits());
    }
  }
  require(arguments.failed() == (caller.exceptions > 0));
}

void checkPlain(Input* input) {
  tuntap::Arguments arguments(nullptr, nullptr);
  for (size_t position = 0; position < 14; position++) {
    switch (input->take<uint8_t>() % 6) {
      case 0: {
        const int64_t number = arguments.integer(position, "number", -1, INT32_MAX);
        require(number >= -1 && number <= INT32_MAX);
        break;
      }
      case 1:
        (void)arguments.boolean(position, "boolean");
        break;
      case 2:
        (void)arguments.string(position, "string");
        break;
      case 3: {
        const tuntap::Bytes bytes = arguments.bytes(position, "bytes");
        for (size_t i = 0; i < bytes.length; i++) bytes.data[i] ^= 1;  // the sanitizer looks whether they are there
        break;
      }
      case 4:
        (void)arguments.function(position, "function");
        break;
      default:
        require(arguments.handle<int>(position, napi_type_tag{1, 2}) == nullptr);
    }
  }
  if (arguments.ok()) require(caller.exceptions == 0);
}

napi_status thrown() {
  caller.exceptions++;
  return napi_ok;
}

}  // namespace

extern "C" {

napi_status napi_get_cb_info(napi_env, napi_callback_info, size_t* count, napi_value* values, napi_value*, void**) {
  const size_t given = caller.input->take<uint8_t>() % 16;
  for (size_t i = 0; i < *count; i++) values[i] = i < given ? caller.make() : nullptr;
  // As Node does: values beyond those given are undefined, and `count` tells how many were given, room or not.
  for (size_t i = given; i < *count; i++) values[i] = reinterpret_cast<napi_value>(&caller.values.emplace_back());
  *count = given;
  return napi_ok;
}

napi_status napi_typeof(napi_env, napi_value value, napi_valuetype* type) {
  *type = at(value).type;
  return napi_ok;
}

napi_status napi_get_named_property(napi_env, napi_value object, const char*, napi_value* result) {
  require(at(object).type == napi_object);
  if (caller.fails()) return napi_pending_exception;
  *result = caller.make();
  return napi_ok;
}

napi_status napi_get_value_double(napi_env, napi_value value, double* result) {
  if (at(value).type != napi_number) return napi_number_expected;
  *result = at(value).number;
  return napi_ok;
}

napi_status napi_get_value_bool(napi_env, napi_value value, bool* result) {
  if (at(value).type != napi_boolean) return napi_boolean_expected;
  *result = at(value).boolean;
  return napi_ok;
}

napi_status napi_get_value_string_utf8(napi_env, napi_value value, char* buffer, size_t size, size_t* length) {
  const std::string& text = at(value).text;
  if (at(value).type != napi_string) return napi_string_expected;
  if (buffer == nullptr) {
    *length = text.size();
    return napi_ok;
  }
  const size_t copied = size == 0 ? 0 : text.size() < size - 1 ? text.size() : size - 1;
  std::memcpy(buffer, text.data(), copied);
  if (size != 0) buffer[copied] = '\0';
  *length = copied;
  return napi_ok;
}

napi_status napi_is_typedarray(napi_env, napi_value value, bool* result) {
  *result = at(value).typedArray;
  return napi_ok;
}

napi_status napi_get_typedarray_info(napi_env, napi_value value, napi_typedarray_type* type, size_t* length, void** data,
                                     napi_value*, size_t*) {
  const Value& array = at(value);
  *type = array.elements;
  *length = array.bytes.size();
  *data = const_cast<uint8_t*>(array.bytes.data());
  return napi_ok;
}

napi_status napi_check_object_type_tag(napi_env, napi_value, const napi_type_tag*, bool* result) {
  *result = false;  // nobody but us has made one that has it
  return napi_ok;
}

napi_status napi_unwrap(napi_env, napi_value, void**) { return napi_invalid_arg; }
napi_status napi_throw_type_error(napi_env, const char*, const char*) { return thrown(); }
napi_status napi_throw_range_error(napi_env, const char*, const char*) { return thrown(); }

// By another name, for their own has been declared with parameters.
#define NOT_CALLED(name)                  \
  napi_status notCalled_##name() __asm__(#name); \
  napi_status notCalled_##name() { std::abort(); }

NOT_CALLED(napi_create_error)
NOT_CALLED(napi_create_string_utf8)
NOT_CALLED(napi_create_double)
NOT_CALLED(napi_get_boolean)
NOT_CALLED(napi_set_named_property)
NOT_CALLED(napi_create_function)
NOT_CALLED(napi_create_external_arraybuffer)
NOT_CALLED(napi_is_exception_pending)
NOT_CALLED(napi_throw)
NOT_CALLED(napi_throw_error)
NOT_CALLED(napi_is_array)
NOT_CALLED(napi_get_array_length)
NOT_CALLED(napi_create_reference)
NOT_CALLED(napi_async_init)
NOT_CALLED(napi_async_destroy)
NOT_CALLED(napi_delete_reference)
NOT_CALLED(napi_get_reference_value)
NOT_CALLED(napi_get_global)
NOT_CALLED(napi_make_callback)
NOT_CALLED(napi_get_and_clear_last_exception)
NOT_CALLED(napi_fatal_exception)

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  caller = {};
  caller.input = &input;
  const auto what = input.take<uint8_t>();
  if (what % 5 == 0) {
    checkPlain(&input);
  } else {
    checkNetlink(what / 5);
  }
  return 0;
}

}  // extern "C"
