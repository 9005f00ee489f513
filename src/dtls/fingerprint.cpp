#include "parley/dtls/fingerprint.hpp"

#include <algorithm>

namespace parley::dtls {
namespace {

struct HashName {
  std::string_view name;
  DigestAlgorithm algorithm;
  bool proves;  ///< Counts as proof of identity on its own.
};

// The registry of RFC 8122 section 5, without md2.
constexpr HashName kHashes[] = {
    {"sha-256", DigestAlgorithm::sha256, true}, {"sha-384", DigestAlgorithm::sha384, true},
    {"sha-512", DigestAlgorithm::sha512, true}, {"sha-224", DigestAlgorithm::sha224, true},
    {"sha-1", DigestAlgorithm::sha1, false},    {"md5", DigestAlgorithm::md5, false},
};

const HashName* find_hash(std::string_view name) {
  const auto* found = std::find_if(std::begin(kHashes), std::end(kHashes),
                                   [&](const HashName& h) { return h.name == name; });
  return found == std::end(kHashes) ? nullptr : found;
}

std::string_view name_of(DigestAlgorithm algorithm) {
  const auto* found = std::find_if(std::begin(kHashes), std::end(kHashes),
                                   [&](const HashName& h) { return h.algorithm == algorithm; });
  return found->name;
}

// RFC 8122 section 5: hash-func is a token (RFC 4566 section 9).
bool is_token_char(char c) {
  return c > 0x20 && c < 0x7F &&
         std::string_view("\"(),/:;<=>?@[]\\").find(c) == std::string_view::npos;
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_digit(char c) {
  const char lower = to_lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return -1;
}

// 2UHEX *(":" 2UHEX), with digits of any case.
std::optional<std::vector<std::uint8_t>> parse_hex_pairs(std::string_view text) {
  if (text.size() % 3 != 2) return std::nullopt;
  std::vector<std::uint8_t> value;
  value.reserve(text.size() / 3 + 1);
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    const bool separated = i + 2 == text.size() || text[i + 2] == ':';
    if (high < 0 || low < 0 || !separated) return std::nullopt;
    value.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return value;
}

}  // namespace

std::optional<Fingerprint> Fingerprint::parse(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  Fingerprint fingerprint;
  for (const char c : text.substr(0, space)) {
    if (!is_token_char(c)) return std::nullopt;
    fingerprint.algorithm.push_back(to_lower(c));
  }
  auto value = parse_hex_pairs(text.substr(space + 1));
  if (!value) return std::nullopt;
  fingerprint.value = std::move(*value);
  const HashName* hash = find_hash(fingerprint.algorithm);
  if (hash != nullptr && fingerprint.value.size() != digest_size(hash->algorithm)) {
    return std::nullopt;
  }
  return fingerprint;
}

Fingerprint Fingerprint::of(Bytes certificate_der, DigestAlgorithm algorithm) {
  return {std::string(name_of(algorithm)), digest(algorithm, certificate_der)};
}

std::string Fingerprint::to_string() const {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text = algorithm;
  char separator = ' ';
  for (const std::uint8_t byte : value) {
    text.push_back(separator);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
    separator = ':';
  }
  return text;
}

bool matches_any(const std::vector<Fingerprint>& fingerprints, Bytes certificate_der) {
  return std::any_of(fingerprints.begin(), fingerprints.end(), [&](const Fingerprint& promised) {
    const HashName* hash = find_hash(promised.algorithm);
    if (hash == nullptr || !hash->proves || promised.value.empty()) return false;
    return equal_in_constant_time(promised.value, digest(hash->algorithm, certificate_der));
  });
}

}  // namespace parley::dtls
