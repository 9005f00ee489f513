// Assertions of our own invariants. Never for input: bad input is told by value.
#pragma once

namespace parley::detail {
/// Prints `why` to standard error and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* why, const char* file,
                                   int line) noexcept;
}  // namespace parley::detail

/// Stops the program when an invariant of parley itself is broken. `why` is the sentence that says
/// why it cannot happen. On in every build type: it guards memory safety.
#define PARLEY_ASSERT(condition, why) \
  (static_cast<bool>(condition)       \
       ? static_cast<void>(0)         \
       : ::parley::detail::assertion_failed(#condition, why, __FILE__, __LINE__))
