#pragma once

#include <cerrno>
#include <utility>

namespace tuntap {

/** An errno with the system call that gave it; `code` 0 is success. `call` is a string literal. */
struct OsError {
  int code = 0;
  const char* call = "";

  explicit operator bool() const { return code != 0; }
  /** What errno says now. */
  static OsError last(const char* call) { return {errno, call}; }
};

/** A value or the reason why there is none. */
template <class T>
struct OsResult {
  T value{};
  OsError error{};

  OsResult(T v) : value(std::move(v)) {}
  OsResult(OsError e) : error(e) {}
};

/** The symbolic name of an errno ("EBADFD"). Knows those libuv has no name for; "EUNKNOWN" for the rest. */
const char* errorName(int code);

/** The text of an errno ("File descriptor in bad state"). */
const char* errorText(int code);

}  // namespace tuntap
