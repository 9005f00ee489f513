// The reference implementation against the vectors of the RFCs, and the library against both.
#include <array>

#include "parley/base/random.hpp"
#include "srtp/reference.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::srtp;
using reference::Buffer;
using reference::Encryption;
using reference::hex;

namespace {

constexpr Profile kAll[] = {Profile::aes128_cm_sha1_80, Profile::aead_aes_128_gcm,
                            Profile::aead_aes_256_gcm};

Buffer counting(std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

// RFC 7714 sections 16 and 17 give session keys, not master keys.
reference::Keys rfc7714_keys(std::size_t key_size) {
  return {counting(key_size), hex("51756964 2070726f 2071756f"), {}};
}

const Buffer kRtp =
    hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070"
        "61727465 73207472 6573");
const Buffer kRtcp =
    hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef"
        "deadbeef deadbeef deadbeef");

Buffer protect(Session& session, const Buffer& packet, bool rtcp) {
  Buffer storage = packet;
  storage.resize(packet.size() + kMaxTrailer);
  const auto out = rtcp ? session.protect_rtcp(storage, packet.size())
                        : session.protect_rtp(storage, packet.size());
  REQUIRE(out);
  return Buffer(out->begin(), out->end());
}

}  // namespace

TEST_CASE("AES counter mode gives the key stream of RFC 3711 appendix B.2", "[srtp][rfc3711]") {
  const auto stream = reference::key_stream(hex("2B7E151628AED2A6ABF7158809CF4F3C"),
                                            hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"), 65'282 * 16);
  const auto block = [&](std::size_t i) { return Buffer(&stream[i * 16], &stream[i * 16] + 16); };
  CHECK(block(0) == hex("E03EAD0935C95E80E166B16DD92B4EB4"));
  CHECK(block(2) == hex("41E95B3BB0A2E8DD477901E4FCA894C0"));
  CHECK(block(0xFEFF) == hex("EC8CDF7398607CB0F2D21675EA9EA1E4"));
  CHECK(block(0xFF01) == hex("6A2CC3787889374FBEB4C81B17BA6C44"));
}

TEST_CASE("key derivation gives the keys of RFC 3711 appendix B.3", "[srtp][rfc3711]") {
  const Buffer key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
  const Buffer salt = hex("0EC675AD498AFEEBB6960B3AABE6");
  CHECK(reference::derive(key, salt, 0, 16) == hex("C61E7A93744F39EE10734AFE3FF7A087"));
  CHECK(reference::derive(key, salt, 2, 14) == hex("30CBBC08863D8C85D49DB34A9AE1"));
  CHECK(reference::derive(key, salt, 1, 32) ==
        hex("CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE"));
}

TEST_CASE("the reference seals RTP as RFC 7714 section 16 does", "[srtp][rfc7714]") {
  CHECK(reference::protect_rtp(Profile::aead_aes_128_gcm, rfc7714_keys(16), 0, kRtp) ==
        hex("8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5"
            "0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce"));
  CHECK(reference::protect_rtp(Profile::aead_aes_256_gcm, rfc7714_keys(32), 0, kRtp) ==
        hex("8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238"
            "9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13"));
}

TEST_CASE("the reference seals RTCP as RFC 7714 section 17 does", "[srtp][rfc7714]") {
  CHECK(reference::protect_rtcp(Profile::aead_aes_128_gcm, rfc7714_keys(16), 0x5d4, Encryption::on,
                                kRtcp) ==
        hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1"
            "730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4"));
  CHECK(reference::protect_rtcp(Profile::aead_aes_256_gcm, rfc7714_keys(32), 0x5d4, Encryption::on,
                                kRtcp) ==
        hex("81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1"
            "110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4"));
  CHECK(reference::protect_rtcp(Profile::aead_aes_128_gcm, rfc7714_keys(16), 0x5d4, Encryption::off,
                                kRtcp) ==
        hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef"
            "deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4"));
}

TEST_CASE("a session makes the known AES-CM packet of libsrtp", "[srtp][rfc3711]") {
  // Published with libsrtp (test/srtp_driver.c, srtp_validate); master key and salt as in RFC 3711
  // appendix B.3.
  const Buffer key = hex("e1f97a0d3e018be0d64fa32c06de4139");
  const Buffer salt = hex("0ec675ad498afeebb6960b3aabe6");
  const auto session = Session::create(Profile::aes128_cm_sha1_80, {key, salt}, {key, salt});
  REQUIRE(session);
  const Buffer plain = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab");
  CHECK(protect(**session, plain, false) ==
        hex("800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b"
            "8dbb"));
}

TEST_CASE("sessions and the reference make the same bytes", "[srtp][rfc3711][rfc7714]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  SeededRandom random(7);
  for (int round = 0; round < 50; ++round) {
    Buffer key(key_size(profile));
    Buffer salt(salt_size(profile));
    random.fill(key);
    random.fill(salt);
    const auto sender = *Session::create(profile, {key, salt}, {key, salt});
    const auto rtp_keys = reference::rtp_keys(profile, key, salt);
    const auto rtcp_keys = reference::rtcp_keys(profile, key, salt);

    // Contributing sources and a header extension: all of the header is authenticated, only the
    // payload is encrypted.
    Buffer packet = hex("92600000 00010203 00000000 11111111 22222222 bede0001 10aabb00");
    const std::size_t header = packet.size();
    packet.resize(header + random.below(1200));
    random.fill(MutableBytes(packet).subspan(header));
    random.fill(MutableBytes(packet).subspan(8, 4));
    store_be16(&packet[2], static_cast<std::uint16_t>(random.below(0x8000)));
    CHECK(protect(*sender, packet, false) == reference::protect_rtp(profile, rtp_keys, 0, packet));

    // SRTCP indices count from 1 for the first packet that libsrtp sends of an SSRC.
    Buffer report = kRtcp;
    random.fill(MutableBytes(report).subspan(4));
    for (std::uint32_t index = 1; index <= 3; ++index) {
      CHECK(protect(*sender, report, true) ==
            reference::protect_rtcp(profile, rtcp_keys, index, Encryption::on, report));
    }
  }
}

TEST_CASE("sessions read what the reference made", "[srtp][rfc3711][rfc7714]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Buffer key = counting(key_size(profile));
  const Buffer salt = counting(salt_size(profile));
  const auto receiver = *Session::create(profile, {key, salt}, {key, salt});
  Buffer rtp = reference::protect_rtp(profile, reference::rtp_keys(profile, key, salt), 0, kRtp);
  const auto plain = receiver->unprotect_rtp(rtp);
  REQUIRE(plain);
  CHECK(Buffer(plain->begin(), plain->end()) == kRtp);
  const auto rtcp_keys = reference::rtcp_keys(profile, key, salt);
  Buffer rtcp = reference::protect_rtcp(profile, rtcp_keys, 0x5d4, Encryption::on, kRtcp);
  const auto report = receiver->unprotect_rtcp(rtcp);
  REQUIRE(report);
  CHECK(Buffer(report->begin(), report->end()) == kRtcp);
}

TEST_CASE("RTCP that is authentic but not encrypted is read with GCM only", "[srtp][rfc3711]") {
  // RFC 3711 section 3.4: the E bit says whether a packet is encrypted. libsrtp2 takes E = 0 with
  // its AEAD transforms and refuses it with the others.
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Buffer key = counting(key_size(profile));
  const Buffer salt = counting(salt_size(profile));
  const auto receiver = *Session::create(profile, {key, salt}, {key, salt});
  const auto keys = reference::rtcp_keys(profile, key, salt);
  Buffer rtcp = reference::protect_rtcp(profile, keys, 5, Encryption::off, kRtcp);
  Buffer forged = reference::protect_rtcp(profile, keys, 6, Encryption::off, kRtcp);
  forged[forged.size() - 4] ^= 0x80;  // The E bit, or what the tag has there.
  CHECK(receiver->unprotect_rtcp(rtcp).has_value() == (profile != Profile::aes128_cm_sha1_80));
  CHECK_FALSE(receiver->unprotect_rtcp(forged));
}
