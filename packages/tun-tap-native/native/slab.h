#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tuntap {

/**
 * Zeroed memory that packets are read into, shared between a device and the ArrayBuffer that JavaScript sees it by: it goes
 * when both have let go, so a view kept after close() shows old bytes but never freed memory.
 *
 * Mapped anonymously rather than allocated: a page costs nothing until a packet first reaches it, so receive slots can be as
 * long as the longest datagram (malloc would not promise that: recycled blocks are cleared by touching them).
 */
class Slab {
 public:
  /** `nullptr` when there is no memory. */
  static std::shared_ptr<Slab> map(size_t size) {
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return nullptr;
    return std::shared_ptr<Slab>(new Slab(static_cast<uint8_t*>(data), size));
  }
  ~Slab() { ::munmap(data_, size_); }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  Slab(uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t* data_;
  size_t size_;
};

}  // namespace tuntap
