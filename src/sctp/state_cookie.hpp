// The state cookie (RFC 9260 section 5.1.3): what the side that was called would have to remember,
// signed and sent back by the caller.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "parley/base/crypto.hpp"
#include "parley/base/random.hpp"
#include "parley/base/time.hpp"
#include "sctp/init_chunk.hpp"

namespace parley::sctp {

struct StateCookie {
  Timestamp made{};
  std::uint32_t local_tag = 0;
  std::uint32_t local_initial_tsn = 0;
  InitChunk peer;  ///< its fixed fields and flags
};

/// Makes and checks cookies with a key that never leaves it.
class CookieJar {
 public:
  static constexpr std::size_t kBodySize = 33;
  static constexpr std::size_t kSize = kBodySize + 32;
  using Cookie = std::array<std::uint8_t, kSize>;

  explicit CookieJar(Random& random);
  Cookie seal(const StateCookie& state);
  /// nullopt when it is not ours or was changed. Age is judged by the caller.
  std::optional<StateCookie> open(Bytes cookie);

 private:
  std::array<std::uint8_t, 32> key_{};
};

}  // namespace parley::sctp
