// Counts the heap of a whole program. Include it in exactly one source of a program of its own: it
// defines the replaceable allocation functions. Not for sanitizers, which have theirs.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace parley::test {

inline std::size_t allocations = 0;
inline std::size_t live = 0;  ///< bytes
inline std::size_t peak = 0;  ///< the most that `live` was; may be set back to it

}  // namespace parley::test

// Not inlined, or GCC sees malloc meet delete and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) throw std::bad_alloc{};
  ++parley::test::allocations;
  parley::test::live += malloc_usable_size(p);
  parley::test::peak = std::max(parley::test::peak, parley::test::live);
  return p;
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  if (p != nullptr) parley::test::live -= malloc_usable_size(p);
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { operator delete(p); }
