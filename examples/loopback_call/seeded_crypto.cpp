// RAND_METHOD is deprecated in favour of providers; it is still the one door through which all of
// libcrypto's randomness passes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "loopback_call/seeded_crypto.hpp"

#include <openssl/rand.h>

#include <optional>

#include "parley/base/assert.hpp"
#include "parley/base/random.hpp"

namespace loopback_call {
namespace {

// libcrypto takes plain functions: the generator they use has to be found without an argument.
std::optional<parley::SeededRandom> generator;

int fill(unsigned char* out, int size) {
  generator->fill(parley::MutableBytes(out, static_cast<std::size_t>(size)));
  return 1;
}

int is_ready() { return 1; }

const RAND_METHOD kSeeded{nullptr, fill, nullptr, nullptr, fill, is_ready};

}  // namespace

SeededCrypto::SeededCrypto(std::uint64_t seed) {
  PARLEY_ASSERT(!generator, "two seeds at once would take turns");
  generator.emplace(seed);
  RAND_set_rand_method(&kSeeded);
}

SeededCrypto::~SeededCrypto() {
  RAND_set_rand_method(nullptr);
  generator.reset();
}

}  // namespace loopback_call
