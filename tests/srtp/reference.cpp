#include "srtp/reference.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "parley/base/crypto.hpp"

namespace parley::srtp::reference {
namespace {

constexpr std::size_t kGcmTag = 16;
constexpr std::size_t kSha1Tag = 10;

bool is_gcm(Profile profile) { return profile != Profile::aes128_cm_sha1_80; }

void append(Buffer& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

Buffer be32(std::uint32_t value) {
  Buffer bytes(4);
  store_be32(bytes.data(), value);
  return bytes;
}

void xor_into(Buffer& target, std::size_t at, Bytes mask) {
  for (std::size_t i = 0; i < mask.size(); ++i) target[at + i] ^= mask[i];
}

// RFC 3711 section 4.1.1: IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16).
Buffer counter_iv(const Keys& keys, Bytes ssrc, std::uint64_t index) {
  Buffer iv = keys.salt;
  iv.resize(16);
  xor_into(iv, 4, ssrc);
  Buffer index_bytes(8);
  store_be64(index_bytes.data(), index);
  xor_into(iv, 8, Bytes(index_bytes).subspan(2));
  return iv;
}

// AES-GCM; returns the ciphertext with the tag behind it.
Buffer seal(const Keys& keys, Bytes iv, Bytes aad, Bytes plain) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const EVP_CIPHER* cipher = keys.encryption.size() == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
  EVP_EncryptInit_ex(context, cipher, nullptr, keys.encryption.data(), iv.data());
  int size = 0;
  EVP_EncryptUpdate(context, nullptr, &size, aad.data(), static_cast<int>(aad.size()));
  Buffer out(plain.size() + kGcmTag);
  if (!plain.empty()) {
    EVP_EncryptUpdate(context, out.data(), &size, plain.data(), static_cast<int>(plain.size()));
  }
  EVP_EncryptFinal_ex(context, out.data() + plain.size(), &size);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kGcmTag, out.data() + plain.size());
  EVP_CIPHER_CTX_free(context);
  return out;
}

Buffer sha1_tag(const Keys& keys, Bytes data, Bytes more) {
  Hmac hmac(DigestAlgorithm::sha1, keys.authentication);
  Buffer tag(20);
  hmac.compute({data, more}, tag);
  tag.resize(kSha1Tag);
  return tag;
}

// RFC 3550 section 5.1: fixed header, contributing sources, extension.
std::size_t rtp_header_size(Bytes packet) {
  std::size_t size = 12 + 4 * std::size_t{packet[0] & 15U};
  if ((packet[0] & 0x10) != 0) size += 4 + 4 * std::size_t{load_be16(&packet[size + 2])};
  return size;
}

Keys derive_all(Profile profile, Bytes key, Bytes salt, std::uint8_t first_label) {
  Keys keys;
  keys.encryption = derive(key, salt, first_label, key_size(profile));
  if (!is_gcm(profile)) {
    keys.authentication = derive(key, salt, static_cast<std::uint8_t>(first_label + 1), 20);
  }
  keys.salt = derive(key, salt, static_cast<std::uint8_t>(first_label + 2), salt_size(profile));
  return keys;
}

}  // namespace

Buffer hex(std::string_view digits) {
  Buffer out;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      out.push_back(static_cast<std::uint8_t>(high * 16 + value));
      high = -1;
    }
  }
  return out;
}

Buffer key_stream(Bytes key, Bytes iv, std::size_t length) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const EVP_CIPHER* cipher = key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  EVP_EncryptInit_ex(context, cipher, nullptr, key.data(), iv.data());
  const Buffer zeros(length);
  Buffer out(length);
  int size = 0;
  EVP_EncryptUpdate(context, out.data(), &size, zeros.data(), static_cast<int>(length));
  EVP_CIPHER_CTX_free(context);
  return out;
}

Buffer derive(Bytes master_key, Bytes master_salt, std::uint8_t label, std::size_t length) {
  Buffer x(master_salt.begin(), master_salt.end());
  x.resize(16);
  x[7] ^= label;  // key_id = label || r, 56 bits, right-aligned with the 112-bit salt; r is 0.
  return key_stream(master_key, x, length);
}

// RFC 3711 section 4.3.2: labels 0 to 2 for SRTP, 3 to 5 for SRTCP.
Keys rtp_keys(Profile profile, Bytes master_key, Bytes master_salt) {
  return derive_all(profile, master_key, master_salt, 0);
}

Keys rtcp_keys(Profile profile, Bytes master_key, Bytes master_salt) {
  return derive_all(profile, master_key, master_salt, 3);
}

Buffer protect_rtp(Profile profile, const Keys& keys, std::uint32_t roc, Bytes packet) {
  const std::size_t header_size = rtp_header_size(packet);
  const Bytes header = packet.first(header_size);
  const Bytes payload = packet.subspan(header_size);
  const Bytes ssrc = packet.subspan(8, 4);
  const std::uint64_t index = (std::uint64_t{roc} << 16) | load_be16(&packet[2]);
  Buffer out(header.begin(), header.end());
  if (is_gcm(profile)) {
    // RFC 7714 section 8.1: 00 00 || SSRC || ROC || SEQ, XOR salt.
    Buffer iv = keys.salt;
    xor_into(iv, 2, ssrc);
    xor_into(iv, 6, be32(roc));
    xor_into(iv, 10, packet.subspan(2, 2));
    append(out, seal(keys, iv, header, payload));
    return out;
  }
  Buffer cipher(payload.begin(), payload.end());
  xor_into(cipher, 0, key_stream(keys.encryption, counter_iv(keys, ssrc, index), payload.size()));
  append(out, cipher);
  append(out, sha1_tag(keys, out, be32(roc)));
  return out;
}

Buffer protect_rtcp(Profile profile, const Keys& keys, std::uint32_t index, Encryption encryption,
                    Bytes packet) {
  const bool encrypt = encryption == Encryption::on;
  const Bytes header = packet.first(8);
  const Bytes payload = packet.subspan(8);
  const Bytes ssrc = packet.subspan(4, 4);
  const Buffer esrtcp = be32(index | (encrypt ? 0x8000'0000U : 0));
  Buffer out(header.begin(), header.end());
  if (is_gcm(profile)) {
    // RFC 7714 sections 9.1 to 9.3: 00 00 || SSRC || 00 00 || index, XOR salt; the ESRTCP word is
    // the end of the associated data and comes after the tag.
    Buffer iv = keys.salt;
    xor_into(iv, 2, ssrc);
    xor_into(iv, 8, be32(index));
    Buffer aad(header.begin(), header.end());
    if (!encrypt) append(aad, payload);
    append(aad, esrtcp);
    if (!encrypt) append(out, payload);
    append(out, seal(keys, iv, aad, encrypt ? payload : Bytes{}));
    append(out, esrtcp);
    return out;
  }
  Buffer cipher(payload.begin(), payload.end());
  if (encrypt) {
    xor_into(cipher, 0, key_stream(keys.encryption, counter_iv(keys, ssrc, index), payload.size()));
  }
  append(out, cipher);
  append(out, esrtcp);
  append(out, sha1_tag(keys, out, {}));
  return out;
}

}  // namespace parley::srtp::reference
