#include "parley/base/random.hpp"

#include <openssl/rand.h>

#include <climits>

#include "parley/base/assert.hpp"

namespace parley {
namespace {

constexpr std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

// splitmix64, which the authors of xoshiro256** recommend for seeding it.
std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

std::uint32_t Random::u32() {
  std::array<std::uint8_t, 4> b;
  fill(b);
  return load_be32(b.data());
}

std::uint64_t Random::u64() {
  std::array<std::uint8_t, 8> b;
  fill(b);
  return load_be64(b.data());
}

std::uint32_t Random::below(std::uint32_t bound) {
  if (bound == 0) return 0;
  // Reject the incomplete last interval, so that every value is equally likely.
  const std::uint32_t limit = UINT32_MAX - UINT32_MAX % bound;
  std::uint32_t v = u32();
  while (v >= limit) v = u32();
  return v % bound;
}

double Random::unit() { return static_cast<double>(u64() >> 11) * 0x1.0p-53; }

std::string Random::ice_chars(std::size_t length) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text(length, '\0');
  fill({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  for (char& c : text) c = kAlphabet[static_cast<unsigned char>(c) & 63];
  return text;
}

void SystemRandom::fill(MutableBytes out) {
  while (!out.empty()) {
    const std::size_t n = out.size() < INT_MAX ? out.size() : INT_MAX;
    PARLEY_ASSERT(RAND_bytes(out.data(), static_cast<int>(n)) == 1,
                  "without randomness no key is safe, and there is nothing to fall back to");
    out = out.subspan(n);
  }
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  for (auto& word : state_) word = split_mix(seed);
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

void SeededRandom::fill(MutableBytes out) {
  while (!out.empty()) {
    std::uint64_t word = next();
    for (int i = 0; i < 8 && !out.empty(); ++i, word >>= 8) {
      out.front() = static_cast<std::uint8_t>(word);
      out = out.subspan(1);
    }
  }
}

}  // namespace parley
