// DTLS roles, fingerprints and ICE options in descriptions (RFC 8842, RFC 8839).
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

TEST_CASE("A re-offer repeats actpass and the roles stay", "[jsep][rfc8842]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  b.track(MediaKind::video);
  const auto offer = b.offer();
  CHECK(offer.media[0].transport.setup == sdp::Setup::actpass);
  b.set_local(SdpType::offer, offer);
  a.set_remote(SdpType::offer, offer);
  const auto answer = a.answer();
  CHECK(answer.media[0].transport.setup == sdp::Setup::passive);
  a.set_local(SdpType::answer, answer);
  b.set_remote(SdpType::answer, answer);
  CHECK(b.state.transport->dtls_role == DtlsRole::client);
  CHECK(a.told<TransportNegotiated>().empty());
  CHECK(b.told<TransportNegotiated>().empty());
  CHECK(a.state.transport->local_was_offerer);
}

TEST_CASE("A fixed role in an offer decides the role of the answer", "[jsep][rfc8842]") {
  const std::string offer = kHead + kOpus + kTransport;
  for (const auto& [offered, role] : {std::pair{"a=setup:active", DtlsRole::server},
                                      {"a=setup:passive", DtlsRole::client},
                                      {"a=x-none", DtlsRole::client}}) {
    CAPTURE(offered);
    Peer b(2);
    b.set_remote(SdpType::offer, replaced(offer, "a=setup:actpass", offered));
    b.set_local(SdpType::answer, b.answer());
    CHECK(b.state.transport->dtls_role == role);
  }
}

TEST_CASE("An offer that holds the connection is answered with rejected sections",
          "[jsep][rfc5763]") {
  const std::string offer = kHead + "a=group:BUNDLE 0 1\r\n" + kOpus + "a=mid:0\r\n" + kTransport +
                            kVp8 + "a=mid:1\r\n" + kTransport;
  Peer b(2);
  b.set_remote(SdpType::offer, replaced_all(offer, "actpass", "holdconn"));
  const auto answer = b.answer();
  CHECK(answer.media[0].is_rejected());
  CHECK(answer.media[1].is_rejected());
  CHECK(answer.groups.empty());
  b.set_local(SdpType::answer, answer);
  CHECK_FALSE(b.state.transport);
  // A living transport is not given up for it.
  Peer c(3);
  c.set_remote(SdpType::offer, offer);
  c.set_local(SdpType::answer, c.answer());
  CHECK(c.remote_error(SdpType::offer, replaced_all(offer, "actpass", "holdconn")) ==
        "incompatible: a=setup:holdconn");
}

TEST_CASE("An answer that leaves the role open is refused", "[jsep][rfc8842]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const std::string answer = sdp::to_string(b.answer());
  CHECK(a.remote_error(SdpType::answer, replaced(answer, "setup:active", "setup:actpass")) ==
        "invalid_argument: an answer with a=setup:actpass");
}

TEST_CASE("A new fingerprint needs an ICE restart and makes a new DTLS association",
          "[jsep][rfc8842]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  const std::string offer = sdp::to_string(a.offer());
  const std::string other = replaced_all(offer, "01:23:45", "FF:FF:FF");
  CHECK(b.remote_error(SdpType::offer, other) ==
        "invalid_argument: new DTLS fingerprint or tls-id without an ICE restart");
  std::string restarted = replaced_all(other, a.facts.ice_ufrag, "fresh-one");
  restarted = replaced_all(restarted, a.facts.ice_pwd, "fresh-fresh-fresh-fresh");
  b.set_remote(SdpType::offer, restarted);
  CHECK(remote_offer_restarts_dtls(b.state));
  b.facts.ice_ufrag = "fresh-too";
  b.facts.ice_pwd = "fresh-fresh-fresh-fresh";
  b.set_local(SdpType::answer, b.answer());
  const auto told = b.told<TransportNegotiated>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].ice_restart);
  CHECK(told[0].dtls_restart);
}

TEST_CASE("Pion answers active whatever its role is and the living association keeps its own",
          "[jsep][interop]") {
  Peer a(1);
  Peer b(2);
  b.track(MediaKind::audio);
  negotiate(b, a);  // a is DTLS client
  a.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const std::string answer = sdp::to_string(b.answer());
  a.set_remote(SdpType::answer, replaced_all(answer, "setup:passive", "setup:active"));
  CHECK(a.state.transport->dtls_role == DtlsRole::client);
}

TEST_CASE("Options of ICE are answered only when they were offered", "[jsep][rfc9429]") {
  Peer b(2);
  b.facts.ice_options = {"trickle", "ice2"};
  b.set_remote(SdpType::offer, kHead + kOpus + kTransport + "a=ice-options:trickle goog-x\r\n");
  CHECK(b.answer().media[0].transport.ice_options == std::vector<std::string>{"trickle"});
  Peer c(3);
  c.set_remote(SdpType::offer, kHead + kOpus + kTransport);
  CHECK(c.answer().media[0].transport.ice_options.empty());
}

TEST_CASE("An ICE lite peer is told as such", "[jsep][rfc8839]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + "a=ice-lite\r\n" + kOpus + kTransport);
  b.set_local(SdpType::answer, b.answer());
  CHECK(b.state.transport->remote_ice_lite);
}
