// Cryptography that repeats itself, for calls in virtual time.
#pragma once

#include <cstdint>

namespace loopback_call {

/// While it lives, all randomness that libcrypto uses in this process comes from a seed: keys,
/// nonces and signatures are the same in every run, and with them the bytes on the (simulated)
/// wire. It protects nothing then, so only a call that never leaves the process may use it.
///
/// One at a time, and only while one thread uses libcrypto.
class SeededCrypto {
 public:
  explicit SeededCrypto(std::uint64_t seed);
  ~SeededCrypto();
  SeededCrypto(const SeededCrypto&) = delete;
  SeededCrypto& operator=(const SeededCrypto&) = delete;
};

}  // namespace loopback_call
