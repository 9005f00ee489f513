#include "parley/stun/credentials.hpp"

#include <string>

#include "parley/base/crypto.hpp"

namespace parley::stun {
namespace {

// RFC 4648 section 4; -1 for other characters.
int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

std::string join(std::string_view a, std::string_view b) {
  std::string text{a};
  text += ':';
  text += b;
  return text;
}

}  // namespace

std::vector<std::uint8_t> long_term_key(PasswordAlgorithm algorithm, std::string_view username,
                                        std::string_view realm, std::string_view password) {
  const auto of =
      algorithm == PasswordAlgorithm::md5 ? DigestAlgorithm::md5 : DigestAlgorithm::sha256;
  return digest(of, as_bytes(join(join(username, realm), password)));
}

std::vector<std::uint8_t> user_hash(std::string_view username, std::string_view realm) {
  return digest(DigestAlgorithm::sha256, as_bytes(join(username, realm)));
}

std::optional<NonceFeatures> parse_nonce_features(std::string_view nonce) {
  constexpr std::string_view kCookie = "obMatJos2";
  if (!nonce.starts_with(kCookie) || nonce.size() < kCookie.size() + 4) return std::nullopt;
  std::uint32_t bits = 0;
  for (const char c : nonce.substr(kCookie.size(), 4)) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
  }
  // Bits are numbered from the most significant of the 24 (RFC 8489 section 18.1).
  return NonceFeatures{(bits & 0x800000) != 0, (bits & 0x400000) != 0};
}

}  // namespace parley::stun
