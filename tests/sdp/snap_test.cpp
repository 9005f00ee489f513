// SNAP: the SCTP INIT chunk in offers and answers (draft-hancke-tsvwg-snap).
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

namespace {

/// The two chunks of the draft's example.
constexpr char kOffered[] = "AQAAHols3R0AUAAA/////+B5ZR3AAAAEgAgABoLA";
constexpr char kAnswered[] = "AQAAHl+zdHQAUAAA/////6Gq3HTAAAAEgAgABoLA";

std::vector<std::uint8_t> chunk(std::uint8_t tag) {
  return {1, 0, 0, 20, 0, 0, 0, tag, 0, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, tag};
}

Peer peer_with(std::uint64_t seed, bool offers) {
  Config config = default_config();
  config.offer_snap = offers;
  Peer p(seed, std::move(config));
  p.facts.sctp_init = chunk(static_cast<std::uint8_t>(seed));
  return p;
}

std::string init_line(const std::string& base64) { return "a=sctp-init:" + base64 + "\r\n"; }
std::string data_offer(const std::string& more) {
  return kHead + "a=group:BUNDLE 0\r\n" + kData + "a=mid:0\r\n" +
         replaced(kTransport, "a=rtcp-mux\r\n", "") + more;
}

}  // namespace

TEST_CASE("the INIT chunk of the draft's example is read to its bytes and written again",
          "[sdp][snap]") {
  const auto d = sdp::Description::parse(data_offer(init_line(kOffered)));
  REQUIRE(d);
  const auto& init = d->media[0].sctp_init;
  REQUIRE(init.size() == 30);
  CHECK(init[0] == 1);
  CHECK(std::vector<std::uint8_t>(init.begin() + 4, init.begin() + 8) ==
        std::vector<std::uint8_t>{0x89, 0x6C, 0xDD, 0x1D});
  CHECK(init.back() == 0xC0);
  CHECK(sdp::to_string(*d).find(init_line(kOffered)) != std::string::npos);
  CHECK(*sdp::Description::parse(sdp::to_string(*d)) == *d);
}

TEST_CASE("a chunk of any length survives base64", "[sdp][snap]") {
  for (std::size_t length = 1; length < 12; ++length) {
    auto d = *sdp::Description::parse(data_offer(""));
    for (std::size_t i = 0; i < length; ++i) {
      d.media[0].sctp_init.push_back(static_cast<std::uint8_t>(255 - 23 * i));
    }
    INFO(sdp::to_string(d));
    CHECK(*sdp::Description::parse(sdp::to_string(d)) == d);
  }
}

TEST_CASE("what is not base64 is kept as text and not answered", "[sdp][snap]") {
  const std::string good = kOffered;
  for (const std::string& broken :
       {std::string("A"), std::string("===="), std::string("AQ=A"), std::string("AQ==AQ=="),
        std::string("AR=="), std::string("A*AA"), good + "A", std::string()}) {
    INFO(broken);
    const auto d = sdp::Description::parse(data_offer(init_line(broken)));
    REQUIRE(d);
    CHECK(d->media[0].sctp_init.empty());
    Peer b = peer_with(2, false);
    b.set_remote(SdpType::offer, data_offer(init_line(broken)));
    CHECK(offered_sctp_init(b.state).empty());
    CHECK(b.answer().media[0].sctp_init.empty());
  }
}

TEST_CASE("SNAP is agreed when it is offered and answered", "[jsep][snap]") {
  Peer a = peer_with(1, true);
  Peer b = peer_with(2, false);  // answers without being told to offer
  REQUIRE(want_data(a.state));
  negotiate(a, b);
  REQUIRE(a.state.data.negotiated);
  CHECK(a.state.data.negotiated->local_init == chunk(1));
  CHECK(a.state.data.negotiated->remote_init == chunk(2));
  CHECK(b.state.data.negotiated->local_init == chunk(2));
  CHECK(b.state.data.negotiated->remote_init == chunk(1));
  const auto told = a.told<DataNegotiated>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].parameters.remote_init == chunk(2));
}

TEST_CASE("an answerer can look at the offered chunk and leave it unanswered", "[jsep][snap]") {
  Peer b = peer_with(2, true);
  b.set_remote(SdpType::offer, data_offer(init_line(kOffered)));
  CHECK(offered_sctp_init(b.state).size() == 30);
  b.facts.sctp_init.clear();
  const auto answer = b.answer();
  CHECK(answer.media[0].sctp_init.empty());
  b.set_local(SdpType::answer, answer);
  CHECK(b.state.data.negotiated->remote_init.empty());
}

TEST_CASE("base64 of something else than an INIT chunk is not answered", "[jsep][snap]") {
  auto wrong_type = chunk(1);
  wrong_type[0] = 2;
  auto wrong_length = chunk(1);
  wrong_length[3] = 24;
  auto short_length = chunk(1);
  short_length[3] = 16;
  auto no_tag = chunk(0);
  auto too_short = chunk(1);
  too_short.pop_back();
  for (const auto& bytes : {wrong_type, wrong_length, short_length, no_tag, too_short}) {
    auto offer = *sdp::Description::parse(data_offer(""));
    offer.media[0].sctp_init = bytes;
    Peer b = peer_with(2, true);
    b.set_remote(SdpType::offer, offer);
    CHECK(offered_sctp_init(b.state).empty());
    CHECK(b.answer().media[0].sctp_init.empty());
  }
}

TEST_CASE("without the option no INIT chunk is offered", "[jsep][snap]") {
  Peer a = peer_with(1, false);
  REQUIRE(want_data(a.state));
  CHECK(a.offer().media[0].sctp_init.empty());
}

TEST_CASE("libdatachannel echoes our own INIT chunk which agrees to nothing", "[jsep][snap]") {
  Peer a = peer_with(1, true);
  Peer b = peer_with(2, true);
  REQUIRE(want_data(a.state));
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  auto answer = b.answer();
  answer.media[0].sctp_init = offer.media[0].sctp_init;
  a.set_remote(SdpType::answer, answer);
  CHECK(a.state.data.negotiated->local_init.empty());
  CHECK(a.state.data.negotiated->remote_init.empty());
}

TEST_CASE("later offers and answers repeat what was agreed", "[jsep][snap]") {
  Peer a = peer_with(1, true);
  Peer b = peer_with(2, true);
  REQUIRE(want_data(a.state));
  negotiate(a, b);
  a.track(MediaKind::audio);
  const auto offer = a.offer();
  CHECK(offer.media[0].sctp_init == chunk(1));
  negotiate(a, b);
  CHECK(a.told<DataNegotiated>().empty());
  negotiate(b, a);
  CHECK(b.state.current_local->media[0].sctp_init == chunk(2));
  CHECK(b.state.data.negotiated->remote_init == chunk(1));
}

TEST_CASE("a first data section in a later offer has SNAP too", "[jsep][snap]") {
  Peer a = peer_with(1, true);
  Peer b = peer_with(2, true);
  a.track(MediaKind::audio);
  negotiate(a, b);
  REQUIRE(want_data(a.state));
  negotiate(a, b);
  CHECK(a.state.data.negotiated->remote_init == chunk(2));
}

TEST_CASE("an association of a handshake of its own does not turn to SNAP later", "[jsep][snap]") {
  Peer a = peer_with(1, false);
  Peer b = peer_with(2, true);
  REQUIRE(want_data(a.state));
  negotiate(a, b);
  a.reconfigure().offer_snap = true;
  CHECK(a.offer().media[0].sctp_init.empty());
  CHECK(b.offer().media[0].sctp_init.empty());
}

TEST_CASE("another INIT chunk for a living association is an error", "[jsep][snap]") {
  Peer a = peer_with(1, true);
  Peer b = peer_with(2, true);
  REQUIRE(want_data(a.state));
  negotiate(a, b);
  auto offer = a.offer();
  offer.media[0].sctp_init = chunk(9);
  CHECK(b.remote_error(SdpType::offer, sdp::to_string(offer)).find("sctp-init") !=
        std::string::npos);
  // One that is missing changes nothing.
  offer.media[0].sctp_init.clear();
  b.set_remote(SdpType::offer, offer);
  b.set_local(SdpType::answer, b.answer());
  CHECK(b.state.data.negotiated->remote_init == chunk(1));
}

TEST_CASE("the older form of data sections has no INIT chunk", "[jsep][snap]") {
  Peer b = peer_with(2, true);
  b.set_remote(SdpType::offer,
               kHead +
                   "m=application 9 DTLS/SCTP 5000\r\na=sctpmap:5000 webrtc-datachannel 65535\r\n" +
                   "a=mid:0\r\n" + kTransport + init_line(kAnswered));
  CHECK(offered_sctp_init(b.state).empty());
  CHECK(b.answer().media[0].sctp_init.empty());
}
