#include "dtls/pair.hpp"
#include "dtls/raw_peer.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::dtls;
using namespace parley::dtls::testing;

namespace {

constexpr SrtpProfile kAll[] = {SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm,
                                SrtpProfile::aes128_cm_sha1_80};

std::optional<SrtpProfile> negotiate(std::vector<SrtpProfile> client,
                                     std::vector<SrtpProfile> server) {
  Options options;
  options.client.srtp_profiles = std::move(client);
  options.server.srtp_profiles = std::move(server);
  Pair pair(options);
  pair.start();
  pair.run();
  if (!pair.both_connected()) return std::nullopt;
  CHECK(pair.client.connected()->srtp->profile == pair.server.connected()->srtp->profile);
  return pair.server.connected()->srtp->profile;
}

}  // namespace

TEST_CASE("both sides derive the same SRTP keys and each direction its own", "[dtls][rfc5764]") {
  const SrtpProfile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  Options options;
  options.client.srtp_profiles = {profile};
  Pair pair(options);
  pair.start();
  pair.run();
  REQUIRE(pair.both_connected());
  const SrtpKeys& client = *pair.client.connected()->srtp;
  const SrtpKeys& server = *pair.server.connected()->srtp;
  CHECK(client.profile == profile);
  CHECK(client.local_key.size() == srtp_key_size(profile));
  CHECK(client.local_salt.size() == srtp_salt_size(profile));
  CHECK(client.local_key == server.remote_key);
  CHECK(client.local_salt == server.remote_salt);
  CHECK(client.remote_key == server.local_key);
  CHECK(client.remote_salt == server.local_salt);
  CHECK(client.local_key != client.remote_key);
  CHECK(client.local_salt != client.remote_salt);
}

TEST_CASE("the key block is cut in the order client key server key client salt server salt",
          "[dtls][rfc5764]") {
  // Both ends of a Pair could be wrong alike, so the client here is OpenSSL itself.
  const auto server = *Transport::create({}, Role::server, server_identity());
  server->set_remote_fingerprints(Timestamp{5s}, {client_identity()->fingerprint()});
  RawClient client(*server);
  client.use(*client_identity());
  client.run();
  REQUIRE(client.events.size() == 1);
  const SrtpKeys& keys = *std::get<Connected>(client.events[0]).srtp;
  std::vector<std::uint8_t> expected(2 * (16 + 12));
  const std::string label = "EXTRACTOR-dtls_srtp";
  REQUIRE(SSL_export_keying_material(client.ssl(), expected.data(), expected.size(), label.data(),
                                     label.size(), nullptr, 0, 0) == 1);
  std::vector<std::uint8_t> block;
  for (const auto* part :
       {&keys.remote_key, &keys.local_key, &keys.remote_salt, &keys.local_salt}) {
    block.insert(block.end(), part->begin(), part->end());
  }
  CHECK(block == expected);
}

TEST_CASE("key and salt lengths are those of the profiles", "[dtls][rfc5764][rfc7714]") {
  CHECK(srtp_key_size(SrtpProfile::aes128_cm_sha1_80) == 16);
  CHECK(srtp_salt_size(SrtpProfile::aes128_cm_sha1_80) == 14);
  CHECK(srtp_key_size(SrtpProfile::aead_aes_128_gcm) == 16);
  CHECK(srtp_salt_size(SrtpProfile::aead_aes_128_gcm) == 12);
  CHECK(srtp_key_size(SrtpProfile::aead_aes_256_gcm) == 32);
  CHECK(srtp_salt_size(SrtpProfile::aead_aes_256_gcm) == 12);
}

TEST_CASE("the server's preference decides among the profiles in common", "[dtls][rfc5764]") {
  using P = SrtpProfile;
  // What Chromium offers, in its order.
  const std::vector<P> chromium = {P::aes128_cm_sha1_80, P::aead_aes_256_gcm, P::aead_aes_128_gcm};
  CHECK(negotiate(chromium, Config{}.srtp_profiles) == P::aead_aes_128_gcm);
  CHECK(negotiate(chromium, {P::aead_aes_256_gcm, P::aes128_cm_sha1_80}) == P::aead_aes_256_gcm);
  CHECK(negotiate({P::aes128_cm_sha1_80}, Config{}.srtp_profiles) == P::aes128_cm_sha1_80);
  CHECK(negotiate(Config{}.srtp_profiles, {P::aead_aes_256_gcm}) == P::aead_aes_256_gcm);
}

TEST_CASE("no common profile fails both sides when SRTP is required", "[dtls][rfc5764]") {
  Options options;
  options.client.srtp_profiles = {SrtpProfile::aead_aes_256_gcm};
  options.server.srtp_profiles = {SrtpProfile::aes128_cm_sha1_80};
  Pair pair(options);
  pair.start();
  pair.run();
  REQUIRE(pair.client.failed() != nullptr);
  CHECK(pair.client.failed()->failure.kind == FailureKind::no_srtp_profile);
  CHECK(pair.client.connected() == nullptr);
  REQUIRE(pair.server.failed() != nullptr);
  CHECK(pair.server.failed()->failure.text == "alert handshake_failure received");
}

TEST_CASE("a server that requires SRTP refuses a client that offers none", "[dtls][rfc5764]") {
  Options options;
  options.client.srtp_profiles = {};
  options.client.srtp_use = SrtpUse::optional;
  Pair pair(options);
  pair.start();
  pair.run();
  CHECK(pair.server.connected() == nullptr);
  REQUIRE(pair.server.failed() != nullptr);
  CHECK(pair.server.failed()->failure.kind == FailureKind::no_srtp_profile);
}

TEST_CASE("data-only associations connect without SRTP", "[dtls][rfc5764]") {
  Options options;
  options.client.srtp_profiles = {};
  options.client.srtp_use = options.server.srtp_use = SrtpUse::optional;
  Pair pair(options);
  pair.start();
  pair.run();
  REQUIRE(pair.both_connected());
  CHECK_FALSE(pair.client.connected()->srtp);
  CHECK_FALSE(pair.server.connected()->srtp);
}
