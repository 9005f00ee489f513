#include "loopback_call/seeded_crypto.hpp"

#include <chrono>
#include <vector>

#include "parley/base/random.hpp"
#include "parley/dtls/identity.hpp"
#include "support/catch.hpp"

namespace loopback_call {
namespace {

/// A number from libcrypto and a certificate whose key, serial number and signature come from it.
std::pair<std::uint64_t, std::vector<std::uint8_t>> draw() {
  parley::SystemRandom system;
  const std::uint64_t number = system.u64();
  parley::SeededRandom seeded(1);
  const std::chrono::sys_seconds day{std::chrono::hours(24 * 365 * 54)};
  const auto identity =
      parley::dtls::Identity::create({day, day + std::chrono::hours(24)}, seeded).value();
  const parley::Bytes der = identity->certificate_der();
  return {number, {der.begin(), der.end()}};
}

TEST_CASE("seeded cryptography repeats itself and ends with its object", "[example][crypto]") {
  const auto with_seed = [](std::uint64_t seed) {
    const SeededCrypto seeded(seed);
    return draw();
  };
  const auto first = with_seed(5);
  CHECK(with_seed(5) == first);
  CHECK(with_seed(6) != first);
  CHECK(draw() != first);
}

}  // namespace
}  // namespace loopback_call
