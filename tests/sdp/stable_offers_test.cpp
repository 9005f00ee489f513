// A later offer says again what is in force: a peer that compares it with what it has must find
// nothing new (RFC 9429 section 5.2.2, RFC 3264 section 8).
#include "sdp/jsep_peer.hpp"
#include "support/sdp_offers.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;
using parley::test::offers_of_other_stacks;

namespace {

/// Without what an offer says otherwise than an answer: roles, ICE and which section has it.
sdp::Media without_transport(sdp::Media m) {
  if (!m.is_rejected()) m.port = 9;
  m.bundle_only = false;
  m.transport = {};
  m.candidates.clear();
  m.end_of_candidates = false;
  m.rtcp.clear();
  return m;
}

bool has_rtx(const sdp::Media& m) {
  return std::any_of(m.formats.begin(), m.formats.end(),
                     [](const sdp::Format& f) { return f.name == "rtx"; });
}

/// The section repeats that of the answer. What we have beyond it, and may offer again, comes
/// behind.
void check_repeats(sdp::Media offered, const sdp::Media& answered) {
  INFO(offered.kind);
  REQUIRE(offered.formats.size() >= answered.formats.size());
  const bool had_rtx = has_rtx(answered);
  offered.formats.resize(answered.formats.size());
  if (!had_rtx && offered.ssrcs.size() > answered.ssrcs.size()) {
    // RTX is offered again, and with it the SSRC that it would have.
    offered.ssrcs.resize(answered.ssrcs.size());
    offered.ssrc_groups.clear();
  }
  CHECK(without_transport(offered) == without_transport(answered));
}

void check_repeats(const sdp::Description& offer, const sdp::Description& answer) {
  REQUIRE(offer.media.size() >= answer.media.size());
  for (std::size_t i = 0; i < answer.media.size(); ++i) {
    // A rejected section is where something new may go.
    if (!answer.media[i].is_rejected()) check_repeats(offer.media[i], answer.media[i]);
  }
  REQUIRE(offer.groups.size() == answer.groups.size());
  for (std::size_t i = 0; i < answer.groups.size(); ++i) {
    auto mids = offer.groups[i].mids;
    mids.resize(answer.groups[i].mids.size(), Mid{});
    CHECK(mids == answer.groups[i].mids);
  }
}

sdp::Description without_version(sdp::Description d) {
  d.origin.session_version = 0;
  return d;
}

/// The answer of a peer that says of itself what it said in `first`, and takes what `offer`
/// repeats.
sdp::Description answer_like(const sdp::Description& first, const sdp::Description& offer) {
  sdp::Description answer = first;
  answer.groups = offer.groups;
  for (std::size_t i = 0; i < answer.media.size(); ++i) {
    sdp::Media& m = answer.media[i];
    const sdp::Media& o = offer.media[i];
    if (o.is_rejected()) {
      m = o;
      continue;
    }
    m.port = 9;
    m.bundle_only = false;
    m.transport.setup = sdp::Setup::passive;
    std::erase_if(m.formats, [&o](const sdp::Format& f) {
      const sdp::Format* same = o.find_format(f.payload_type);
      return same == nullptr || same->name.size() != f.name.size();
    });
    std::erase_if(m.extmaps, [&o](const sdp::Extmap& x) {
      return std::none_of(o.extmaps.begin(), o.extmaps.end(), [&x](const auto& known) {
        return known.id == x.id && known.uri == x.uri;
      });
    });
  }
  return answer;
}

struct Made {
  std::string name;
  Peer peer;
};

/// What answers: the usual, one that carries every codec, one that takes simulcast.
std::vector<Made> answerers() {
  std::vector<Made> all;
  all.push_back({"usual", Peer(2)});
  Config config = default_config();
  for (const CodecCapability& codec : config.optional_codecs) config.codecs.push_back(codec);
  all.push_back({"every codec", Peer(4, std::move(config))});
  config = default_config();
  config.receive_simulcast = true;
  all.push_back({"simulcast", Peer(6, std::move(config))});
  return all;
}

template <class Work>
void with_each_call(Work work) {
  for (const auto& offer : offers_of_other_stacks()) {
    for (Made& made : answerers()) {
      INFO(offer.name << ", answered by: " << made.name);
      // Both sections send, so that streams are named too.
      made.peer.track(MediaKind::audio);
      made.peer.track(MediaKind::video);
      made.peer.set_remote(SdpType::offer, offer.sdp);
      const auto answer = made.peer.answer();
      made.peer.set_local(SdpType::answer, answer);
      for (const Transceiver& t : std::vector(made.peer.state.transceivers)) {
        if (!t.section) REQUIRE(stop(made.peer.state, t.id));  // the offer had no section for it
      }
      work(*sdp::Description::parse(offer.sdp), answer, made.peer);
    }
  }
}

}  // namespace

TEST_CASE("an offer on a call that another stack offered repeats the answer given",
          "[jsep][interop][rfc9429]") {
  with_each_call(
      [](const auto&, const auto& answer, Peer& b) { check_repeats(b.offer(), answer); });
}

TEST_CASE("an offer on a call that another stack offered repeats it again and again",
          "[jsep][interop][rfc9429]") {
  with_each_call([](const sdp::Description& theirs, const auto&, Peer& b) {
    const auto second = b.offer();
    b.set_local(SdpType::offer, second);
    b.set_remote(SdpType::answer, answer_like(theirs, second));
    CHECK(b.told<MediaNegotiated>().empty());
    CHECK(b.told<DirectionChanged>().empty());
    CHECK(b.told<TransportNegotiated>().empty());
    CHECK(b.told<DataNegotiated>().empty());
    CHECK(b.told<TrackRemoved>().empty());
    const auto third = b.offer();
    CHECK(without_version(third) == without_version(second));
  });
}

TEST_CASE("an offer that changes nothing gets the answer it had", "[jsep][interop][rfc3264]") {
  with_each_call([](sdp::Description theirs, const auto& first, Peer& b) {
    ++theirs.origin.session_version;
    b.set_remote(SdpType::offer, theirs);
    CHECK(b.told<TrackAdded>().empty());
    CHECK(b.told<TrackRemoved>().empty());
    const auto again = b.answer();
    CHECK(again.origin.session_version > first.origin.session_version);
    CHECK(without_version(again) == without_version(first));
    b.set_local(SdpType::answer, again);
    CHECK(b.told<MediaNegotiated>().empty());
    CHECK(b.told<DirectionChanged>().empty());
    CHECK(b.told<TransportNegotiated>().empty());
    CHECK(b.told<DataNegotiated>().empty());
  });
}

TEST_CASE("what another order of our own lists would offer stays in the order in force",
          "[jsep][rfc9429]") {
  // b would number and order codecs and extensions otherwise than a did.
  Config backwards = default_config();
  for (const CodecCapability& codec : backwards.optional_codecs) backwards.codecs.push_back(codec);
  Config forwards = backwards;
  std::reverse(backwards.codecs.begin(), backwards.codecs.end());
  std::vector<ExtensionCapability> extensions(backwards.extensions.begin(),
                                              backwards.extensions.end());
  std::reverse(extensions.begin(), extensions.end());
  backwards.extensions = extensions;
  Peer a(1, std::move(forwards));
  Peer b(2, std::move(backwards));
  for (Peer* p : {&a, &b}) {
    p->track(MediaKind::audio);
    p->track(MediaKind::video);
  }
  REQUIRE(want_data(a.state));
  negotiate(a, b);
  for (int round = 0; round < 3; ++round) {
    for (Peer* offerer : {&b, &a}) {
      Peer& answerer = offerer == &a ? b : a;
      const auto before = offerer->state.current_local;
      negotiate(*offerer, answerer);
      check_repeats(*offerer->state.current_local, *before);
      for (Peer* p : {&a, &b}) {
        CHECK(p->told<MediaNegotiated>().empty());
        CHECK(p->told<TransportNegotiated>().empty());
      }
    }
  }
}

TEST_CASE("adding media leaves the sections that are there as they were", "[jsep][interop]") {
  with_each_call([](const auto&, const sdp::Description& answer, Peer& b) {
    TransceiverInit camera;
    camera.track_id = "another";
    add_transceiver(b.state, MediaKind::video, camera);
    check_repeats(b.offer(), answer);
  });
}

TEST_CASE("an extension that the peer only receives stays one way in later offers",
          "[jsep][rfc8285]") {
  Peer b(2);
  b.track(MediaKind::audio);
  const std::string offer = kHead + "a=group:BUNDLE 0\r\n" + kOpus + "a=mid:0\r\n" +
                            "a=extmap:7/recvonly " + uri::kAudioLevel + "\r\na=extmap:3 " +
                            uri::kMid + "\r\n" + kTransport;
  b.set_remote(SdpType::offer, offer);
  const auto answer = b.answer();
  REQUIRE(answer.media[0].extmaps.size() == 2);
  CHECK(answer.media[0].extmaps[0].direction == Direction::sendonly);
  b.set_local(SdpType::answer, answer);
  CHECK(b.offer().media[0].extmaps == answer.media[0].extmaps);
}

TEST_CASE("extended reports that were agreed are offered again", "[jsep][rfc3611]") {
  Peer b(2);
  b.track(MediaKind::audio);
  const std::string offer =
      kHead + "a=group:BUNDLE 0\r\n" + kOpus + "a=mid:0\r\na=rtcp-xr:rcvr-rtt=all\r\n" + kTransport;
  b.set_remote(SdpType::offer, offer);
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  CHECK(b.offer().media[0].other_attributes == std::vector<std::string>{"rtcp-xr:rcvr-rtt=all"});
}

TEST_CASE("codec preferences set on a live call come before the order in force",
          "[jsep][rfc9429]") {
  Config config = default_config();
  for (const CodecCapability& codec : config.optional_codecs) config.codecs.push_back(codec);
  Peer a(1, config);
  Peer b(2, config);
  a.track(MediaKind::video);
  negotiate(a, b);
  const auto vp9 = codecs_named(*b.state.config, MediaKind::video, {"VP9", "VP8"});
  REQUIRE(vp9);
  REQUIRE(set_codec_preferences(b.state, TransceiverId{0}, *vp9));
  CHECK(b.offer().media[0].formats[0].name == "VP9");
  REQUIRE(set_codec_preferences(b.state, TransceiverId{0}, {}));
  CHECK(b.offer().media[0].formats[0].name == "VP8");
}
