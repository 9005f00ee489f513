#include "dtls/srtp_keys.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include "parley/base/crypto.hpp"

namespace parley::dtls {
namespace {

void wipe_all(SrtpKeys& keys) {
  for (auto* secret : {&keys.local_key, &keys.local_salt, &keys.remote_key, &keys.remote_salt}) {
    wipe(*secret);
  }
}

}  // namespace

std::size_t srtp_key_size(SrtpProfile profile) {
  return profile == SrtpProfile::aead_aes_256_gcm ? 32 : 16;
}

std::size_t srtp_salt_size(SrtpProfile profile) {
  return profile == SrtpProfile::aes128_cm_sha1_80 ? 14 : 12;
}

std::string_view to_string(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aes128_cm_sha1_80:
      return "SRTP_AES128_CM_SHA1_80";
    case SrtpProfile::aead_aes_128_gcm:
      return "SRTP_AEAD_AES_128_GCM";
    case SrtpProfile::aead_aes_256_gcm:
      return "SRTP_AEAD_AES_256_GCM";
  }
  return "unknown";
}

SrtpKeys& SrtpKeys::operator=(SrtpKeys&& other) noexcept {
  wipe_all(*this);
  profile = other.profile;
  local_key = std::move(other.local_key);
  local_salt = std::move(other.local_salt);
  remote_key = std::move(other.remote_key);
  remote_salt = std::move(other.remote_salt);
  return *this;
}

SrtpKeys::~SrtpKeys() { wipe_all(*this); }

std::size_t srtp_key_block_size(SrtpProfile profile) {
  return 2 * (srtp_key_size(profile) + srtp_salt_size(profile));
}

SrtpKeys split_srtp_key_block(SrtpProfile profile, Role role, Bytes block) {
  const std::size_t key = srtp_key_size(profile);
  const std::size_t salt = srtp_salt_size(profile);
  const auto piece = [&](std::size_t at, std::size_t size) {
    const Bytes part = block.subspan(at, size);
    return std::vector<std::uint8_t>(part.begin(), part.end());
  };
  SrtpKeys keys;
  keys.profile = profile;
  keys.local_key = piece(0, key);
  keys.remote_key = piece(key, key);
  keys.local_salt = piece(2 * key, salt);
  keys.remote_salt = piece(2 * key + salt, salt);
  if (role == Role::server) {
    std::swap(keys.local_key, keys.remote_key);
    std::swap(keys.local_salt, keys.remote_salt);
  }
  return keys;
}

}  // namespace parley::dtls
