#include "file_transfer/sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

namespace file_transfer {

struct Sha256::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(md); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  EVP_DigestInit_ex(context_->md, EVP_sha256(), nullptr);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(parley::Bytes data) {
  EVP_DigestUpdate(context_->md, data.data(), data.size());
}

std::string Sha256::hex() const {
  Context copy;
  EVP_MD_CTX_copy_ex(copy.md, context_->md);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(copy.md, digest.data(), &size);
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

std::optional<Sha256> hash_beginning(const std::filesystem::path& file, std::uint64_t length) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  Sha256 hash;
  while (length > 0) {
    const auto part = static_cast<std::streamsize>(std::min<std::uint64_t>(length, buffer.size()));
    if (!in.read(buffer.data(), part)) return std::nullopt;
    hash.update(
        {reinterpret_cast<const std::uint8_t*>(buffer.data()), static_cast<std::size_t>(part)});
    length -= static_cast<std::uint64_t>(part);
  }
  if (!in) return std::nullopt;
  return hash;
}

}  // namespace file_transfer
