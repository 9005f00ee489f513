// Which sections share the transport (RFC 9143).
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

TEST_CASE("Sections outside the bundle are rejected and with them nothing else",
          "[jsep][rfc9429]") {
  Peer b(2);
  const auto section = [](std::string media, const std::string& mid) {
    return media + kTransport + "a=mid:" + mid + "\r\n";
  };
  b.set_remote(SdpType::offer, kHead + "a=group:BUNDLE a v\r\n" + section(kOpus, "a") +
                                   section(kVp8, "x") + section(kVp8, "v"));
  const auto answer = b.answer();
  CHECK_FALSE(answer.media[0].is_rejected());
  CHECK(answer.media[1].is_rejected());
  CHECK_FALSE(answer.media[2].is_rejected());
  CHECK(answer.groups[0].mids == std::vector<Mid>{Mid{"a"}, Mid{"v"}});
  b.set_local(SdpType::answer, answer);
  CHECK(b.told<TransceiverStopped>().size() == 1);
  CHECK(b.state.find(Mid{"x"}) == nullptr);
}

TEST_CASE("Without bundle the first section that works is taken alone", "[jsep][rfc9429]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + "m=audio 9 RTP/SAVPF 8\r\n" + kTransport + kOpus +
                                   kTransport + kVp8 + kTransport);
  const auto answer = b.answer();
  CHECK(answer.media[0].is_rejected());
  CHECK_FALSE(answer.media[1].is_rejected());
  CHECK(answer.media[2].is_rejected());
  CHECK(answer.groups.empty());
  CHECK_FALSE(answer.media[1].mid);
  b.set_local(SdpType::answer, answer);
  CHECK(b.state.transceivers.size() == 1);
  CHECK(b.state.transport->mid == *b.state.transceivers[0].mid);
}

TEST_CASE("The tag moves to the next section with an address when the first is rejected",
          "[jsep][rfc9143]") {
  const std::string g711 = "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=mid:0\r\n" + kTransport;
  const std::string head = kHead + "a=group:BUNDLE 0 1 2\r\n";
  const std::string second = replaced_all(kTransport, "peer", "seco");
  Peer b(2);
  b.set_remote(SdpType::offer,
               head + g711 + kVp8 + second + "a=mid:1\r\n" + kData + kTransport + "a=mid:2\r\n");
  const auto answer = b.answer();
  CHECK(answer.media[0].is_rejected());
  CHECK(answer.groups[0].mids == std::vector<Mid>{Mid{"1"}, Mid{"2"}});
  b.set_local(SdpType::answer, answer);
  CHECK(b.state.transport->remote_ufrag == "seco");
  CHECK(b.state.transport->mid == Mid{"1"});

  // With only bundle-only sections left there is no address and so no group.
  Peer c(3);
  const std::string bundle_only =
      replaced(kVp8, "m=video 9", "m=video 0") + "a=bundle-only\r\na=mid:1\r\n" + second;
  c.set_remote(SdpType::offer, head + g711 + bundle_only);
  const auto refused = c.answer();
  CHECK(refused.media[0].is_rejected());
  CHECK(refused.media[1].is_rejected());
  CHECK(refused.groups.empty());
  c.set_local(SdpType::answer, refused);
  CHECK_FALSE(c.state.transport);
}

TEST_CASE("An answer outside the bundle cannot be used unless it is a single section",
          "[jsep][rfc9143]") {
  Config config = default_config();
  config.bundle_style = BundleStyle::shared_port;
  Peer a(1, config);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const std::string answer = sdp::to_string(b.answer());
  const std::string unbundled = replaced(answer, "a=group:BUNDLE 0 1\r\n", "");
  CHECK(a.remote_error(SdpType::answer, unbundled) ==
        "incompatible: several sections are accepted outside a bundle");
  CHECK(a.remote_error(SdpType::answer, replaced(answer, "BUNDLE 0 1", "BUNDLE 0")) ==
        "incompatible: m= line 2 is accepted outside the bundle");
  a.set_remote(SdpType::answer, replaced(unbundled, "m=video 9", "m=video 0"));
  CHECK(a.state.transport->mid == Mid{"0"});
  CHECK(a.told<TransceiverStopped>().size() == 1);
}

TEST_CASE("An answer must have the offer's sections", "[jsep][rfc3264]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  a.state.transceivers[0].direction = Direction::inactive;
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const auto good = b.answer();
  const auto error = [&](auto change) {
    auto d = good;
    change(d);
    return a.remote_error(SdpType::answer, sdp::to_string(d));
  };
  CHECK(error([](auto& d) { d.media.pop_back(); }) ==
        "invalid_argument: answer with another number of m= lines than the offer");
  CHECK(error([](auto& d) { std::swap(d.media[0], d.media[1]); }) ==
        "invalid_argument: m= line 1 is of another kind than offered");
  CHECK(error([](auto& d) { d.media[1].mid = Mid{"9"}; }) ==
        "invalid_argument: m= line 2 has another mid than offered");
  CHECK(error([](auto& d) { d.media[1].mid = Mid{"0"}; }) == "invalid_argument: mid twice: 0");
  CHECK(error([](auto& d) { d.media[0].transport = {}; }) ==
        "incompatible: section without ICE credentials");
  CHECK(error([](auto& d) { d.media[0].transport.fingerprints.clear(); }) ==
        "incompatible: section without a DTLS fingerprint");
  CHECK(error([](auto& d) { d.media[0].rtcp_mux = d.media[1].rtcp_mux = false; }) ==
        "incompatible: the peer does not multiplex RTCP");
  CHECK(error([](auto& d) { d.media[1].formats[0].name = "VP9"; }) ==
        "incompatible: m= line 2 has no common codec");
  CHECK(error([](auto&) {}) == "");
}
