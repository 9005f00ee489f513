// Simulcast in offers and answers (RFC 8853, RFC 8851), with the forms that browsers write.
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

namespace {

const std::vector<Rid> kThree{Rid{"q"}, Rid{"h"}, Rid{"f"}};

std::vector<Rid> ids(const std::vector<NegotiatedRid>& rids) {
  std::vector<Rid> out;
  for (const NegotiatedRid& r : rids) out.push_back(r.id);
  return out;
}

Peer receiver_of_simulcast(std::uint64_t seed) {
  Config config = default_config();
  config.receive_simulcast = true;
  return Peer(seed, std::move(config));
}

TransceiverInit camera(std::vector<Rid> rids) {
  TransceiverInit init;
  init.track_id = "camera";
  init.send_rids = std::move(rids);
  return init;
}

const std::string kExtensions =
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n";

std::string video(const std::string& lines) {
  return kHead + "a=group:BUNDLE 0\r\n" + kVp8 + "a=mid:0\r\n" + kTransport + kExtensions + lines;
}
const std::string kChromiumSends =
    "a=sendonly\r\na=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;~h;f\r\n";
const std::string kServerAsks =
    "a=recvonly\r\na=rid:h recv\r\na=rid:l recv max-width=320;max-br=200000\r\n"
    "a=simulcast:recv h;~l\r\n";

}  // namespace

TEST_CASE("Chromium offers three streams of which one is paused and all are taken",
          "[jsep][rfc8853]") {
  Peer b = receiver_of_simulcast(2);
  b.set_remote(SdpType::offer, video(kChromiumSends));
  const auto answer = b.answer();
  const std::string text = sdp::to_string(answer);
  // Without pause and resume nothing is answered as paused (RFC 8853 section 5.3.2).
  CHECK(text.find("a=simulcast:recv q;h;f\r\n") != std::string::npos);
  CHECK(text.find("a=rid:h recv\r\n") != std::string::npos);
  b.set_local(SdpType::answer, answer);
  const auto& rids = b[0].negotiated->receive_rids;
  CHECK(ids(rids) == kThree);
  CHECK(rids[1].paused);
  CHECK_FALSE(rids[2].paused);
}

TEST_CASE("A peer that does not take simulcast is answered with one stream", "[jsep][rfc8853]") {
  Peer b(2);
  b.set_remote(SdpType::offer, video(kChromiumSends));
  const auto answer = b.answer();
  CHECK_FALSE(answer.media[0].simulcast);
  CHECK(answer.media[0].rids.empty());
  CHECK(answer.media[0].direction == Direction::recvonly);
}

TEST_CASE("Simulcast needs the extension that tells its streams apart", "[jsep][rfc8853]") {
  Peer b = receiver_of_simulcast(2);
  b.set_remote(SdpType::offer,
               replaced(video(kChromiumSends),
                        "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n", ""));
  CHECK_FALSE(b.answer().media[0].simulcast);
}

TEST_CASE("A server that asks for streams gets those it asks for", "[jsep][rfc8853][rfc8851]") {
  Peer b(2);
  b.track(MediaKind::video);
  b.set_remote(SdpType::offer, video(kServerAsks));
  const auto answer = b.answer();
  const std::string text = sdp::to_string(answer);
  CHECK(text.find("a=simulcast:send h;l\r\n") != std::string::npos);
  CHECK(text.find("a=rid:l send max-width=320;max-br=200000\r\n") != std::string::npos);
  CHECK(answer.media[0].ssrcs.empty());
  b.set_local(SdpType::answer, answer);
  const auto& rids = b[0].negotiated->send_rids;
  REQUIRE(rids.size() == 2);
  CHECK_FALSE(rids[0].paused);
  CHECK(rids[1].paused);
  CHECK(rids[1].restrictions.max_width == 320);
  CHECK(rids[1].restrictions.max_bitrate == 200'000U);
  REQUIRE(b[0].layers.size() == 2);
  CHECK(b[0].layers[0].ssrc == b[0].ssrc);
  CHECK(b[0].layers[1].ssrc != b[0].ssrc);
}

TEST_CASE("An application can refuse to make up simulcast streams", "[jsep][rfc8853]") {
  Config config = default_config();
  config.send_simulcast = false;
  Peer b(2, config);
  b.track(MediaKind::video);
  b.set_remote(SdpType::offer, video(kServerAsks));
  const auto answer = b.answer();
  CHECK_FALSE(answer.media[0].simulcast);
  CHECK(answer.media[0].ssrcs.size() > 0);
}

TEST_CASE("A stream whose restrictions are not understood is not sent", "[jsep][rfc8851]") {
  Peer b(2);
  b.track(MediaKind::video);
  b.set_remote(SdpType::offer, video(replaced(kServerAsks, "max-width=320", "max-bpp=0.5")));
  CHECK(sdp::to_string(b.answer()).find("a=simulcast:send h\r\n") != std::string::npos);
}

TEST_CASE("A stream for formats that were not accepted is left out", "[jsep][rfc8851]") {
  Peer b = receiver_of_simulcast(2);
  b.set_remote(SdpType::offer,
               video("a=sendonly\r\na=rid:a send pt=96,99;max-width=640\r\na=rid:b send pt=99\r\n"
                     "a=rid:c send\r\na=simulcast:send a;b;c\r\n"));
  const std::string text = sdp::to_string(b.answer());
  CHECK(text.find("a=rid:a recv pt=96;max-width=640\r\n") != std::string::npos);
  CHECK(text.find("a=simulcast:recv a;c\r\n") != std::string::npos);
}

TEST_CASE("Of alternatives the first that is described is taken", "[jsep][rfc8853]") {
  Peer b = receiver_of_simulcast(2);
  b.set_remote(SdpType::offer, video("a=sendonly\r\na=rid:b send\r\na=rid:c send\r\n"
                                     "a=simulcast:send a,b;c\r\n"));
  const auto answer = b.answer();
  CHECK(sdp::to_string(answer).find("a=simulcast:recv b;c\r\n") != std::string::npos);
  b.set_local(SdpType::answer, answer);
  CHECK(ids(b[0].negotiated->receive_rids) == std::vector<Rid>{Rid{"b"}, Rid{"c"}});
}

TEST_CASE("Lines that contradict themselves switch simulcast off", "[jsep][rfc8853][rfc8851]") {
  Peer b = receiver_of_simulcast(2);
  // RFC 8853 section 5.3.2: two a=simulcast lines; RFC 8851 section 6.2.2: one id twice.
  for (const char* more :
       {"a=simulcast:send q\r\n", "a=rid:q recv\r\na=rid:h send\r\na=rid:f recv\r\n"}) {
    Peer p = receiver_of_simulcast(2);
    p.set_remote(SdpType::offer, video(kChromiumSends + more));
    INFO(more);
    CHECK_FALSE(p.answer().media[0].simulcast);
  }
}

TEST_CASE("An answer may take fewer streams and the others are gone", "[jsep][rfc8853]") {
  Peer a(1);
  Peer b = receiver_of_simulcast(2);
  add_transceiver(a.state, MediaKind::video, camera(kThree));
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  auto text = sdp::to_string(b.answer());
  text = replaced(text, "a=rid:h recv\r\n", "");
  text = replaced(text, "recv q;h;f", "recv q;~f");
  a.set_remote(SdpType::answer, text);
  const auto& rids = a[0].negotiated->send_rids;
  CHECK(ids(rids) == std::vector<Rid>{Rid{"q"}, Rid{"f"}});
  CHECK(rids[1].paused);
  CHECK(sdp::to_string(a.offer()).find("a=simulcast:send q;f\r\n") != std::string::npos);
  // Streams keep their SSRCs.
  REQUIRE(a[0].layers.size() == 3);
  CHECK(a[0].layers[2].rid == Rid{"f"});
}

TEST_CASE("Later offers of either side keep simulcast", "[jsep][rfc8853][rfc9429]") {
  Peer a(1);
  Peer b = receiver_of_simulcast(2);
  add_transceiver(a.state, MediaKind::video, camera(kThree));
  negotiate(a, b);
  a.track(MediaKind::audio);
  negotiate(a, b);
  CHECK(ids(a[0].negotiated->send_rids) == kThree);
  negotiate(b, a);
  CHECK(ids(a[0].negotiated->send_rids) == kThree);
  CHECK(ids(b[0].negotiated->receive_rids) == kThree);
  CHECK(b.told<MediaNegotiated>().empty());
}

TEST_CASE("We may ask for streams ourselves", "[jsep][rfc8853]") {
  Peer a = receiver_of_simulcast(1);
  Peer b(2);
  b.track(MediaKind::video);
  TransceiverInit init;
  init.direction = Direction::recvonly;
  init.receive_rids = {Rid{"hi"}, Rid{"lo"}};
  add_transceiver(a.state, MediaKind::video, init);
  negotiate(a, b);
  CHECK(ids(a[0].negotiated->receive_rids) == init.receive_rids);
  CHECK(ids(b[0].negotiated->send_rids) == init.receive_rids);
}

TEST_CASE("Streams that are switched off are offered as paused", "[jsep][rfc8853]") {
  Peer a(1);
  auto init = camera(kThree);
  init.paused_rids = {Rid{"h"}};
  add_transceiver(a.state, MediaKind::video, init);
  CHECK(sdp::to_string(a.offer()).find("a=simulcast:send q;~h;f\r\n") != std::string::npos);
  REQUIRE(set_paused_rids(a.state, TransceiverId{0}, {}));
  CHECK(sdp::to_string(a.offer()).find("a=simulcast:send q;h;f\r\n") != std::string::npos);
}

TEST_CASE("A rid that no header extension can carry is refused in an offer", "[jsep][rfc8852]") {
  for (const char* bad : {"", "with-dash", "seventeenletters1"}) {
    Peer a(1);
    add_transceiver(a.state, MediaKind::video, camera({Rid{bad}, Rid{"x"}}));
    CHECK_FALSE(build_offer(a.state, a.facts));
  }
}

TEST_CASE("Restrictions are read as far as they are understood", "[sdp][rfc8851]") {
  using sdp::parse_rid_restrictions;
  const auto all =
      parse_rid_restrictions("pt=96,97; max-width=1280;max-height=720;max-fps=30.5;max-br=1000");
  CHECK(all.understood);
  CHECK(all.payload_types == std::vector{PayloadType{96}, PayloadType{97}});
  CHECK(all.max_width == 1280);
  CHECK(all.max_height == 720);
  CHECK(all.max_fps == 30);
  CHECK(all.max_bitrate == 1000U);
  CHECK(parse_rid_restrictions("") == sdp::RidRestrictions{});
  for (const char* bad :
       {"max-width", "max-width=x", "max-width=0", "pt=300", "depend=a", "max-br=-1"}) {
    INFO(bad);
    CHECK_FALSE(parse_rid_restrictions(bad).understood);
  }
}
