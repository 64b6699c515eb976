#include "os_error.h"

#include <uv.h>

#include <cstring>

namespace tuntap {

const char* errorName(int code) {
  switch (code) {
    // strerrorname_np would know them all, but needs glibc 2.32; Node runs on 2.28.
    case EBADFD: return "EBADFD";
    case EDOM: return "EDOM";
    case ENOLINK: return "ENOLINK";
    case ENOKEY: return "ENOKEY";
    case ECOMM: return "ECOMM";
    case EDEADLK: return "EDEADLK";
    case EUCLEAN: return "EUCLEAN";
    case ENOMEDIUM: return "ENOMEDIUM";
    default: break;
  }
#define TUNTAP_NAME(name, text) case UV_##name: return #name;
  switch (-code) {
    UV_ERRNO_MAP(TUNTAP_NAME)
    default: return "EUNKNOWN";
  }
#undef TUNTAP_NAME
}

const char* errorText(int code) {
  // strerrordesc_np is too new as well; strerror answers from a per-thread buffer in glibc.
  return std::strerror(code);
}

}  // namespace tuntap
