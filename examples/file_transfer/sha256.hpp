// SHA-256 (FIPS 180-4) of data that comes in parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "parley/base/bytes.hpp"

namespace file_transfer {

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(parley::Bytes data);
  /// The digest of all so far, in hexadecimal; more may follow.
  std::string hex() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// The state after the first `length` bytes of a file; nullopt when it has fewer or cannot be read.
std::optional<Sha256> hash_beginning(const std::filesystem::path& file, std::uint64_t length);

}  // namespace file_transfer
