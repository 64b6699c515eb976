#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

/** Ends the run with a finding: what must always hold did not. */
inline void require(bool holds) {
  if (!holds) std::abort();
}

/** The bytes of one execution, taken from the front; zeros and emptiness when they are used up. */
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  size_t left() const { return left_; }

  template <class T>
  T take() {
    T value{};
    const size_t size = left_ < sizeof value ? left_ : sizeof value;
    if (size > 0) std::memcpy(&value, data_, size);
    skip(size);
    return value;
  }

  /** At most `size` bytes, in memory of exactly their number, so that the sanitizer sees a read beyond. */
  std::vector<uint8_t> bytes(size_t size) {
    const size_t taken = left_ < size ? left_ : size;
    std::vector<uint8_t> result(data_, data_ + taken);
    skip(taken);
    return result;
  }

  /** As `bytes`, the number taken from one byte of the input. */
  std::string text() {
    const std::vector<uint8_t> chosen = bytes(take<uint8_t>());
    return std::string(chosen.begin(), chosen.end());
  }

 private:
  void skip(size_t size) {
    data_ += size;
    left_ -= size;
  }

  const uint8_t* data_;
  size_t left_;
};
