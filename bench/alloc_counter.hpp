// Counts heap allocations of the whole program. Include it in exactly one source of a program: it
// defines the replaceable allocation functions.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace parley::bench {

inline std::atomic<std::uint64_t> allocation_count{0};

/// Allocations since construction, of all threads.
class AllocationCounter {
 public:
  std::uint64_t count() const { return allocation_count.load(std::memory_order_relaxed) - start_; }

 private:
  std::uint64_t start_ = allocation_count.load(std::memory_order_relaxed);
};

}  // namespace parley::bench

// The array and nothrow forms of the standard library call these. Not inlined, or GCC sees malloc
// meet delete and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  parley::bench::allocation_count.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  parley::bench::allocation_count.fetch_add(1, std::memory_order_relaxed);
  const auto align = static_cast<std::size_t>(alignment);
  const std::size_t whole = (size + align - 1) / align * align;
  if (void* p = std::aligned_alloc(align, whole == 0 ? align : whole)) return p;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
