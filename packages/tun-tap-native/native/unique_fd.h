#pragma once

#include <unistd.h>

#include <utility>

namespace tuntap {

/** Owns one file descriptor and closes it. Moving hands ownership on; -1 is "none". */
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  /** Gives the descriptor to the caller, who closes it. */
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    // Linux releases the descriptor even when close() says EINTR; a second close could hit somebody else's.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace tuntap
