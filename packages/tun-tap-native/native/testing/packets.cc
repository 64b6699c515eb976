#include "packets.h"

namespace pqtun::testing {

napi_value makeCopy(napi_env env, const uint8_t* bytes, size_t length) {
  void* memory = nullptr;
  napi_value buffer = nullptr;
  napi_value view = nullptr;
  if (napi_create_arraybuffer(env, length, &memory, &buffer) != napi_ok) return nullptr;
  if (length > 0) std::memcpy(memory, bytes, length);
  return napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &view) == napi_ok ? view : nullptr;
}

napi_value makeNumbers(napi_env env, std::initializer_list<double> numbers) {
  napi_value array = nullptr;
  if (napi_create_array(env, &array) != napi_ok) return nullptr;
  uint32_t i = 0;
  for (const double number : numbers) napi_set_element(env, array, i++, tuntap::makeNumber(env, number));
  return array;
}

napi_value makePackets(napi_env env, const std::vector<std::vector<uint8_t>>& packets) {
  napi_value array = nullptr;
  if (napi_create_array(env, &array) != napi_ok) return nullptr;
  uint32_t i = 0;
  for (const auto& packet : packets) napi_set_element(env, array, i++, makeCopy(env, packet.data(), packet.size()));
  return array;
}

}  // namespace pqtun::testing
