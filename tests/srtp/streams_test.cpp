// Rollover counters and the state per SSRC.
#include <memory>

#include "srtp/libsrtp_session.hpp"
#include "srtp/reference.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::srtp;
using reference::Buffer;

namespace {

const Buffer kKey(16, 0x11);
const Buffer kSalt(12, 0x22);
constexpr Profile kProfile = Profile::aead_aes_128_gcm;

std::unique_ptr<Session> make_session() {
  return *Session::create(kProfile, {kKey, kSalt}, {kKey, kSalt});
}

Buffer rtp(std::uint16_t sequence, std::uint32_t ssrc = 0x1234) {
  Buffer packet(30, 0);
  packet[0] = 0x80;
  store_be16(&packet[2], sequence);
  store_be32(&packet[8], ssrc);
  return packet;
}

// A packet with the rollover counter of our choice, as a sender that is this far would make it.
Buffer sealed(std::uint32_t roc, std::uint16_t sequence, std::uint32_t ssrc = 0x1234) {
  static const auto keys = reference::rtp_keys(kProfile, kKey, kSalt);
  return reference::protect_rtp(kProfile, keys, roc, rtp(sequence, ssrc));
}

bool accepts(Session& session, Buffer packet) { return session.unprotect_rtp(packet).has_value(); }

bool sends(Session& session, std::uint16_t sequence, std::uint32_t ssrc) {
  Buffer packet = rtp(sequence, ssrc);
  const std::size_t length = packet.size();
  packet.resize(length + kMaxTrailer);
  return session.protect_rtp(packet, length).has_value();
}

}  // namespace

TEST_CASE("the rollover counter follows the sequence number around", "[srtp][rfc3711]") {
  const auto session = make_session();
  CHECK(accepts(*session, sealed(0, 30'000)));
  CHECK(accepts(*session, sealed(0, 60'000)));
  CHECK(accepts(*session, sealed(0, 65'535)));
  CHECK(accepts(*session, sealed(1, 0)));
  CHECK(accepts(*session, sealed(1, 30'000)));
  CHECK(accepts(*session, sealed(1, 60'000)));
  CHECK(accepts(*session, sealed(2, 5)));
}

TEST_CASE("packets from before the wrap are accepted after it", "[srtp][rfc3711]") {
  const auto session = make_session();
  CHECK(accepts(*session, sealed(0, 32'000)));
  CHECK(accepts(*session, sealed(0, 64'000)));
  CHECK(accepts(*session, sealed(1, 3)));
  CHECK(accepts(*session, sealed(0, 65'500)));  // Late: guessed with the counter before.
  CHECK(accepts(*session, sealed(1, 4)));       // And it did not set us back.
  CHECK_FALSE(accepts(*session, sealed(0, 65'500)));
  CHECK(session->counters().replays == 1);
}

TEST_CASE("a sender counts rollovers as its receiver does", "[srtp][rfc3711]") {
  const auto session = make_session();
  for (std::uint32_t i = 0; i < 200'000; i += 10'000) {
    Buffer packet = rtp(static_cast<std::uint16_t>(i));
    packet.resize(packet.size() + kMaxTrailer);
    const auto out = session->protect_rtp(packet, 30);
    REQUIRE(out);
    CHECK(Buffer(out->begin(), out->end()) == sealed(i >> 16, static_cast<std::uint16_t>(i)));
  }
}

TEST_CASE("a forged packet does not move the rollover counter", "[srtp][rfc3711]") {
  const auto session = make_session();
  CHECK(accepts(*session, sealed(0, 30'000)));
  CHECK(accepts(*session, sealed(0, 60'000)));
  // Looks like the first after the wrap. Were it believed before it is authenticated, the next true
  // packet would be taken for an old one.
  Buffer forged = sealed(1, 100);
  forged.back() ^= 1;
  CHECK_FALSE(accepts(*session, forged));
  CHECK(accepts(*session, sealed(0, 60'001)));
  CHECK(accepts(*session, sealed(1, 100)));
}

TEST_CASE("a late joiner assumes that the counter is zero", "[srtp][rfc3711]") {
  const auto session = make_session();
  CHECK_FALSE(accepts(*session, sealed(1, 500)));
  CHECK(session->counters().authentication_failures == 1);
  CHECK(accepts(*session, sealed(0, 40'000)));
  CHECK(accepts(*session, sealed(0, 39'999)));
}

TEST_CASE("a sequence number beyond the next half round is not accepted", "[srtp][rfc3711]") {
  const auto session = make_session();
  CHECK(accepts(*session, sealed(0, 1'000)));
  CHECK_FALSE(accepts(*session, sealed(2, 1'000)));
  CHECK(accepts(*session, sealed(0, 1'001)));
}

TEST_CASE("the counter of a stream survives its silence", "[srtp][rfc3711]") {
  const auto session = make_session();
  CHECK(accepts(*session, sealed(0, 30'000, 7)));
  CHECK(accepts(*session, sealed(0, 60'000, 7)));
  CHECK(accepts(*session, sealed(1, 10, 7)));
  for (std::uint32_t ssrc = 100; ssrc < 200; ++ssrc) CHECK(accepts(*session, sealed(0, 1, ssrc)));
  CHECK(accepts(*session, sealed(1, 11, 7)));
}

TEST_CASE("streams have counters and windows of their own", "[srtp][rfc3711]") {
  const auto session = make_session();
  for (std::uint32_t ssrc = 1; ssrc <= 50; ++ssrc) {
    CHECK(accepts(*session, sealed(0, 500, ssrc)));
    CHECK_FALSE(accepts(*session, sealed(0, 500, ssrc)));
  }
  CHECK(session->counters().replays == 50);
}

TEST_CASE("the number of received streams is bounded", "[srtp]") {
  const auto session = make_session();
  for (std::uint32_t ssrc = 0; ssrc < Session::kMaxStreams; ++ssrc) {
    REQUIRE(accepts(*session, sealed(0, 1, ssrc)));
  }
  CHECK_FALSE(accepts(*session, sealed(0, 1, 50'000)));
  CHECK(session->counters().streams_refused == 1);
  CHECK(accepts(*session, sealed(0, 2, 0)));  // Those that are there go on.
}

TEST_CASE("forged packets take no place among the streams", "[srtp]") {
  const auto session = make_session();
  for (std::uint32_t ssrc = 0; ssrc < 2 * Session::kMaxStreams; ++ssrc) {
    Buffer forged = sealed(0, 1, ssrc);
    forged.back() ^= 1;
    CHECK_FALSE(accepts(*session, forged));
  }
  CHECK(accepts(*session, sealed(0, 1, 50'000)));
  CHECK(session->counters().streams_refused == 0);
}

TEST_CASE("the number of sent streams is bounded", "[srtp]") {
  const auto session = make_session();
  for (std::uint32_t ssrc = 0; ssrc < Session::kMaxStreams; ++ssrc) {
    REQUIRE(sends(*session, 1, ssrc));
  }
  CHECK_FALSE(sends(*session, 1, 50'000));
  CHECK(session->counters().streams_refused == 1);
  CHECK(sends(*session, 2, 3));
}

TEST_CASE("a set of streams finds what was put in", "[srtp]") {
  StreamSet set;
  CHECK_FALSE(set.contains(0));
  for (const std::uint32_t ssrc : {5U, 1U, 0xFFFF'FFFFU, 0U, 5U}) set.insert(ssrc);
  for (const std::uint32_t ssrc : {5U, 1U, 0xFFFF'FFFFU, 0U}) CHECK(set.contains(ssrc));
  CHECK_FALSE(set.contains(2));
  CHECK_FALSE(set.full());
}
