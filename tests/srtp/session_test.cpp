#include "parley/srtp/session.hpp"

#include <array>
#include <memory>

#include "parley/base/random.hpp"
#include "srtp/reference.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::srtp;
using reference::Buffer;

namespace {

constexpr Profile kAll[] = {Profile::aes128_cm_sha1_80, Profile::aead_aes_128_gcm,
                            Profile::aead_aes_256_gcm};

struct Ends {
  std::unique_ptr<Session> a;
  std::unique_ptr<Session> b;
};

Ends make_ends(Profile profile) {
  SeededRandom random(11);
  Buffer keys[4] = {Buffer(key_size(profile)), Buffer(salt_size(profile)),
                    Buffer(key_size(profile)), Buffer(salt_size(profile))};
  for (Buffer& key : keys) random.fill(key);
  return {*Session::create(profile, {keys[0], keys[1]}, {keys[2], keys[3]}),
          *Session::create(profile, {keys[2], keys[3]}, {keys[0], keys[1]})};
}

Buffer rtp(std::uint16_t sequence, std::size_t payload = 20, std::uint32_t ssrc = 0x1234) {
  Buffer packet(12 + payload, 0x5A);
  packet[0] = 0x80;
  packet[1] = 96;
  store_be16(&packet[2], sequence);
  store_be32(&packet[4], 160);
  store_be32(&packet[8], ssrc);
  return packet;
}

Buffer rtcp(std::uint32_t ssrc = 0x1234) {
  Buffer packet(28, 0);
  packet[0] = 0x80;
  packet[1] = 200;
  store_be16(&packet[2], 6);
  store_be32(&packet[4], ssrc);
  return packet;
}

std::optional<Buffer> copied(std::optional<MutableBytes> view) {
  if (!view) return std::nullopt;
  return Buffer(view->begin(), view->end());
}

std::optional<Buffer> protect(Session& session, Buffer packet, bool control = false) {
  const std::size_t length = packet.size();
  packet.resize(length + kMaxTrailer);
  return copied(control ? session.protect_rtcp(packet, length)
                        : session.protect_rtp(packet, length));
}

std::optional<Buffer> unprotect(Session& session, Buffer packet, bool control = false) {
  return copied(control ? session.unprotect_rtcp(packet) : session.unprotect_rtp(packet));
}

}  // namespace

TEST_CASE("what one end protects the other reads", "[srtp]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Ends ends = make_ends(profile);
  for (const bool control : {false, true}) {
    const Buffer packet = control ? rtcp() : rtp(1);
    const auto there = protect(*ends.a, packet, control);
    REQUIRE(there);
    CHECK(unprotect(*ends.b, *there, control) == packet);
    const auto back = protect(*ends.b, packet, control);
    REQUIRE(back);
    CHECK(*back != *there);  // The directions have keys of their own.
    CHECK(unprotect(*ends.a, *back, control) == packet);
  }
}

TEST_CASE("a packet grows by the tag and for RTCP by the index", "[srtp][rfc3711][rfc7714]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const std::size_t tag = profile == Profile::aes128_cm_sha1_80 ? 10 : 16;
  const Ends ends = make_ends(profile);
  CHECK(protect(*ends.a, rtp(1))->size() == rtp(1).size() + tag);
  CHECK(protect(*ends.a, rtcp(), true)->size() == rtcp().size() + tag + 4);
  CHECK(kMaxTrailer >= tag + 4);
}

TEST_CASE("packets are protected where they lie and may lie anywhere", "[srtp]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  alignas(16) std::array<std::uint8_t, 1600> storage;
  for (std::size_t offset = 0; offset < 8; ++offset) {
    const Ends ends = make_ends(profile);
    const Buffer packet = rtp(7, 1001);
    std::copy(packet.begin(), packet.end(), storage.begin() + offset);
    const MutableBytes room = MutableBytes(storage).subspan(offset, packet.size() + kMaxTrailer);
    const auto there = ends.a->protect_rtp(room, packet.size());
    REQUIRE(there);
    CHECK(there->data() == storage.data() + offset);
    const auto plain = ends.b->unprotect_rtp(*there);
    REQUIRE(plain);
    CHECK(plain->data() == storage.data() + offset);
    CHECK(Buffer(plain->begin(), plain->end()) == packet);
  }
}

TEST_CASE("an empty payload is protected too", "[srtp]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Ends ends = make_ends(profile);
  const auto there = protect(*ends.a, rtp(1, 0));
  REQUIRE(there);
  CHECK(unprotect(*ends.b, *there) == rtp(1, 0));
}

TEST_CASE("no single flipped bit passes", "[srtp][rfc3711]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  for (const bool control : {false, true}) {
    const Ends ends = make_ends(profile);
    const Buffer good = *protect(*ends.a, control ? rtcp() : rtp(100), control);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      Buffer bad = good;
      bad[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
      INFO("bit " << bit << (control ? " of RTCP" : " of RTP"));
      CHECK_FALSE(unprotect(*ends.b, bad, control));
    }
    const Counters& counters = ends.b->counters();
    CHECK(counters.authentication_failures + counters.malformed + counters.replays ==
          good.size() * 8);
    CHECK(counters.authentication_failures > good.size() * 7);
    // And none of them moved anything: the good packet still does.
    CHECK(unprotect(*ends.b, good, control));
  }
}

TEST_CASE("a packet truncated anywhere is dropped", "[srtp]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  for (const bool control : {false, true}) {
    const Ends ends = make_ends(profile);
    const Buffer good = *protect(*ends.a, control ? rtcp() : rtp(100), control);
    for (std::size_t size = 0; size < good.size(); ++size) {
      CHECK_FALSE(unprotect(*ends.b, Buffer(good.begin(), good.begin() + static_cast<long>(size)),
                            control));
    }
    CHECK(unprotect(*ends.b, good, control));
  }
}

TEST_CASE("a replayed packet is dropped and counted", "[srtp][rfc3711]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Ends ends = make_ends(profile);
  const Buffer media = *protect(*ends.a, rtp(1));
  const Buffer control = *protect(*ends.a, rtcp(), true);
  CHECK(unprotect(*ends.b, media));
  CHECK_FALSE(unprotect(*ends.b, media));
  CHECK(unprotect(*ends.b, control, true));
  CHECK_FALSE(unprotect(*ends.b, control, true));
  CHECK(ends.b->counters().replays == 2);
  CHECK(ends.b->counters().authentication_failures == 0);
}

TEST_CASE("packets up to 1023 behind the newest are accepted once", "[srtp][rfc3711]") {
  const Ends ends = make_ends(Profile::aead_aes_128_gcm);
  std::vector<Buffer> packets;
  for (std::uint16_t sequence = 0; sequence < 1100; ++sequence) {
    packets.push_back(*protect(*ends.a, rtp(sequence)));
  }
  REQUIRE(unprotect(*ends.b, packets[1050]));
  CHECK(unprotect(*ends.b, packets[1050 - 1023]));
  CHECK_FALSE(unprotect(*ends.b, packets[1050 - 1023]));
  CHECK_FALSE(unprotect(*ends.b, packets[1050 - 1024]));
  CHECK(ends.b->counters().replays == 2);
}

TEST_CASE("the windows of RTP and RTCP are apart", "[srtp][rfc3711]") {
  const Ends ends = make_ends(Profile::aead_aes_128_gcm);
  for (std::uint16_t sequence = 1; sequence < 500; ++sequence) {
    REQUIRE(unprotect(*ends.b, *protect(*ends.a, rtp(sequence))));
  }
  CHECK(unprotect(*ends.b, *protect(*ends.a, rtcp(), true), true));
}

TEST_CASE("the same sequence number is never protected twice", "[srtp][rfc7714]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Ends ends = make_ends(profile);
  REQUIRE(protect(*ends.a, rtp(1)));
  REQUIRE(protect(*ends.a, rtp(2)));
  CHECK_FALSE(protect(*ends.a, rtp(1)));
  Buffer changed = rtp(2);
  changed.back() ^= 1;
  CHECK_FALSE(protect(*ends.a, changed));
  CHECK(ends.a->counters().sends_refused == 2);
  CHECK(protect(*ends.a, rtp(3)));
  CHECK(protect(*ends.a, rtp(2, 20, 0x9999)));  // Another SSRC has numbers of its own.
}

TEST_CASE("a repeated packet is the one already sent", "[srtp][rfc4585]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Ends ends = make_ends(profile);
  const auto repeat = [&](Buffer packet) {
    const std::size_t length = packet.size();
    packet.resize(length + kMaxTrailer);
    return copied(ends.a->repeat_rtp(packet, length));
  };
  CHECK_FALSE(repeat(rtp(0xFFFF)));  // of which nothing was sent
  std::vector<Buffer> sealed;
  for (const int sequence : {0xFFFE, 0xFFFF, 0, 1, 2}) {
    sealed.push_back(*protect(*ends.a, rtp(static_cast<std::uint16_t>(sequence))));
  }
  // Of the time before the wrap, too, and more than once.
  CHECK(repeat(rtp(0xFFFF)) == sealed[1]);
  CHECK(repeat(rtp(1)) == sealed[3]);
  CHECK(repeat(rtp(0xFFFF)) == sealed[1]);
  CHECK_FALSE(repeat(rtp(3)));  // not sent yet
  CHECK(ends.a->counters().sends_refused == 2);
  CHECK(unprotect(*ends.b, sealed[1]) == rtp(0xFFFF));
  CHECK(protect(*ends.a, rtp(3)));
}

TEST_CASE("what is not RTP is neither protected nor read", "[srtp]") {
  const Ends ends = make_ends(Profile::aead_aes_128_gcm);
  CHECK_FALSE(protect(*ends.a, {}));
  CHECK_FALSE(protect(*ends.a, Buffer(11, 0x80)));
  CHECK_FALSE(protect(*ends.a, Buffer(7, 0x80), true));
  CHECK_FALSE(protect(*ends.a, Buffer(40, 0x40)));  // Version 1.
  Buffer sources = rtp(1, 8);
  sources[0] = 0x8F;  // Fifteen contributing sources in 8 bytes.
  CHECK_FALSE(protect(*ends.a, sources));
  Buffer extension = rtp(1, 8);
  extension[0] = 0x90;
  store_be16(&extension[14], 100);  // An extension of 400 bytes.
  CHECK_FALSE(protect(*ends.a, extension));
  CHECK(ends.a->counters().malformed == 6);
  CHECK_FALSE(unprotect(*ends.b, {}));
  CHECK_FALSE(unprotect(*ends.b, {}, true));
  CHECK(ends.b->counters().malformed == 2);
}

TEST_CASE("keys of the wrong length are refused", "[srtp]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Buffer key(key_size(profile));
  const Buffer salt(salt_size(profile));
  const Buffer longer(key_size(profile) + 1);
  CHECK(Session::create(profile, {key, salt}, {key, salt}));
  CHECK(Session::create(profile, {longer, salt}, {key, salt}).error().code ==
        Errc::invalid_argument);
  CHECK(Session::create(profile, {key, salt}, {key, {}}).error().code == Errc::invalid_argument);
}

TEST_CASE("keys of another association are not accepted", "[srtp]") {
  const Profile profile = GENERATE(from_range(std::begin(kAll), std::end(kAll)));
  const Ends ends = make_ends(profile);
  const Buffer key(key_size(profile), 1);
  const Buffer salt(salt_size(profile), 1);
  const auto stranger = *Session::create(profile, {key, salt}, {key, salt});
  CHECK_FALSE(unprotect(*stranger, *protect(*ends.a, rtp(1))));
  CHECK_FALSE(unprotect(*stranger, *protect(*ends.a, rtcp(), true), true));
  CHECK(stranger->counters().authentication_failures == 2);
}
