// Randomness as an argument: OpenSSL in production, seeded in tests, never a global.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "parley/base/bytes.hpp"

namespace parley {

/// A source of random bytes. Not thread-safe; one per sequence of execution.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes out) = 0;

  std::uint32_t u32();
  std::uint64_t u64();
  /// Uniform in [0, bound); 0 when bound is 0.
  std::uint32_t below(std::uint32_t bound);
  /// Uniform in [0, 1).
  double unit();
  /// `length` characters of the ice-char alphabet (RFC 8839 section 5.4), 6 bits each.
  std::string ice_chars(std::size_t length);
};

/// The operating system's randomness through OpenSSL. Fit for keys.
class SystemRandom final : public Random {
 public:
  void fill(MutableBytes out) override;
};

/// A reproducible generator (xoshiro256**) for tests and simulation. Never for keys.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  void fill(MutableBytes out) override;

 private:
  std::uint64_t next();
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace parley
