// Sections that end and are used again (RFC 9429 section 5.2.2).
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

TEST_CASE("Rejected and stopped sections are recycled in order with new mids", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  a.track(MediaKind::video);
  negotiate(a, b);
  REQUIRE(stop(a.state, TransceiverId{1}));
  CHECK(negotiation_needed(a.state));
  const auto offer = a.offer();
  CHECK(offer.media[1].is_rejected());
  CHECK(offer.media[1].msids.empty());
  CHECK(offer.groups[0].mids == std::vector<Mid>{Mid{"0"}, Mid{"2"}});
  negotiate(a, b);
  CHECK(a.told<TransceiverStopped>().size() == 1);
  CHECK(a.state.transceivers.size() == 2);
  CHECK(b.state.transceivers.size() == 2);
  CHECK_FALSE(negotiation_needed(a.state));

  // The free line stays where it is until something needs it.
  CHECK(a.offer().media[1].is_rejected());
  add_transceiver(b.state, MediaKind::audio, {});
  add_transceiver(b.state, MediaKind::audio, {});
  const auto next = b.offer();
  REQUIRE(next.media.size() == 4);
  CHECK(next.media[0].kind == "audio");
  CHECK(next.media[1].kind == "audio");
  CHECK(next.media[1].mid == Mid{"3"});
  CHECK(next.media[3].mid == Mid{"4"});
  negotiate(b, a);
  CHECK(a.state.find(Mid{"3"}) != nullptr);
  CHECK(a.state.find(Mid{"3"})->section == 1);
}

TEST_CASE("The tag moves on when the tagged section ends", "[jsep][rfc9143]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  negotiate(a, b);
  REQUIRE(stop(a.state, TransceiverId{0}));
  const auto offer = a.offer();
  CHECK(offer.media[0].is_rejected());
  CHECK(offer.groups[0].mids == std::vector<Mid>{Mid{"1"}});
  CHECK(offer.media[1].candidates == a.facts.candidates);
  negotiate(a, b);
  CHECK(a.state.transport->mid == Mid{"1"});
  CHECK(b.state.transport->mid == Mid{"1"});
  const auto told = a.told<TransportNegotiated>();
  REQUIRE(told.size() == 1);
  CHECK_FALSE(told[0].ice_restart);
  CHECK_FALSE(told[0].dtls_restart);
}

TEST_CASE("A stopped tagged section is answered inactive and rejected by the next offer",
          "[jsep][rfc9143]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  negotiate(a, b);
  const Transceiver* audio = b.state.find(Mid{"0"});
  REQUIRE(stop(b.state, audio->id));
  negotiate(a, b);
  CHECK(a[0].current_direction == Direction::inactive);
  CHECK(negotiation_needed(b.state));
  negotiate(b, a);
  CHECK(a.state.find(TransceiverId{0}) == nullptr);
  CHECK_FALSE(negotiation_needed(b.state));
}

TEST_CASE("Once bundled a section keeps port 9 in later offers", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  negotiate(a, b);
  a.track(MediaKind::audio, "new");
  const auto d = a.offer();
  CHECK(d.media[1].port == 9);
  CHECK_FALSE(d.media[1].bundle_only);
  CHECK(d.media[2].port == 0);
  CHECK(d.media[2].bundle_only);
}
