#include "parley/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace parley::detail {

void assertion_failed(const char* condition, const char* why, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: broken invariant: %s (%s)\n", file, line, why, condition);
  std::abort();
}

}  // namespace parley::detail
