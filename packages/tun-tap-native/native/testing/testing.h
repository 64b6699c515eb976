// What every edge in this folder is made of. An edge is the JavaScript side of one class of native/plane, for the tests alone.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <initializer_list>
#include <memory>

#include "js.h"

namespace pqtun::testing {

using tuntap::Arguments;
using tuntap::Bytes;

struct Function {
  const char* name;
  napi_callback call;
};

/** Puts an object `name` with these functions into `exports`. */
void addEdge(napi_env env, napi_value exports, const char* name, std::initializer_list<Function> functions);

/** A class of the plane behind a handle; the collector frees it. */
template <class T>
struct Held {
  T value;
  void close() {}
};

template <class T>
napi_value hold(napi_env env, std::shared_ptr<Held<T>> held, const napi_type_tag& tag) {
  return tuntap::wrapHandle(env, std::move(held), tag);
}

/** A number of up to 64 bits as the words of a Uint32Array would have it: bytes, in host byte order. */
template <class T>
const T* wordsOf(const Bytes& bytes) {
  return reinterpret_cast<const T*>(bytes.data);  // Node aligns array buffers to 16 B, and the tests pass whole ones.
}

}  // namespace pqtun::testing
