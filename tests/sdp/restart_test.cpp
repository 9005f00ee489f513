// ICE restarts as negotiation sees them (RFC 8839 section 4.4.1.1.1, W3C webrtc-pc restartIce).
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

namespace {

void renew(Peer& p, const std::string& word) {
  p.facts.ice_ufrag = word + "ufrag";
  p.facts.ice_pwd = word + "password-of-22-characters";
}

struct Pair {
  Pair() {
    a.track(MediaKind::audio);
    negotiate(a, b);
  }
  Peer a{1};
  Peer b{2};
};

}  // namespace

TEST_CASE("restart_ice wants offers until the credentials are others", "[jsep][w3c]") {
  Pair p;
  CHECK_FALSE(negotiation_needed(p.a.state));
  restart_ice(p.a.state);
  CHECK(ice_restart_wanted(p.a.state));
  CHECK(negotiation_needed(p.a.state));
  negotiate(p.a, p.b);  // with the old ones: it does not count
  CHECK(negotiation_needed(p.a.state));
  renew(p.a, "a");
  renew(p.b, "b");
  negotiate(p.a, p.b);
  CHECK_FALSE(ice_restart_wanted(p.a.state));
  CHECK_FALSE(negotiation_needed(p.a.state));
}

TEST_CASE("A wish to restart survives a rollback and ends when the peer restarts", "[jsep][w3c]") {
  Pair p;
  restart_ice(p.a.state);
  const LocalFacts old = p.a.facts;
  renew(p.a, "a");
  p.a.set_local(SdpType::offer, p.a.offer());
  p.a.rollback(Side::local);
  CHECK(negotiation_needed(p.a.state));
  CHECK(p.a.state.transport->local_ufrag == old.ice_ufrag);
  renew(p.b, "b");
  renew(p.a, "c");
  negotiate(p.b, p.a);
  CHECK_FALSE(negotiation_needed(p.a.state));
}

TEST_CASE("restart_ice before there is a transport does nothing", "[jsep][w3c]") {
  Peer a(1);
  restart_ice(a.state);
  a.track(MediaKind::audio);
  Peer b(2);
  negotiate(a, b);
  CHECK_FALSE(ice_restart_wanted(a.state));
}

TEST_CASE("An answer of ours restarts exactly when the offer does", "[jsep][rfc9429]") {
  Pair p;
  const auto plain = p.a.offer();
  renew(p.a, "a");
  const auto restarting = p.a.offer();
  CHECK_FALSE(remote_offer_restarts_ice(p.b.state));
  p.b.set_remote(SdpType::offer, plain);
  CHECK_FALSE(remote_offer_restarts_ice(p.b.state));
  const auto same = p.b.answer();
  renew(p.b, "b");
  const auto other = p.b.answer();
  CHECK(plan_local(p.b.state, SdpType::answer, other).error().to_string() ==
        "invalid_argument: the answer restarts ICE and the offer does not");
  p.b.set_remote(SdpType::offer, restarting);
  CHECK(remote_offer_restarts_ice(p.b.state));
  CHECK(plan_local(p.b.state, SdpType::answer, same).error().to_string() ==
        "invalid_argument: the answer does not restart ICE as the offer does");
  CHECK(plan_local(p.b.state, SdpType::pranswer, other).has_value());
  p.b.set_local(SdpType::answer, other);
  CHECK_FALSE(remote_offer_restarts_ice(p.b.state));
}

TEST_CASE("Candidates go to the description of their generation", "[jsep][rfc8838]") {
  Pair p;
  const std::string before = p.a.facts.ice_ufrag;
  const std::size_t known = p.a.state.current_local->media[0].candidates.size();
  renew(p.a, "a");
  p.a.facts.candidates.clear();
  p.a.set_local(SdpType::offer, p.a.offer());
  CHECK(add_local_candidate(p.a.state, "candidate:7 1 udp 1 192.0.2.7 7 typ host", "aufrag"));
  CHECK(add_local_candidate(p.a.state, "candidate:8 1 udp 1 192.0.2.8 8 typ host", before));
  CHECK_FALSE(add_local_candidate(p.a.state, "candidate:9 1 udp 1 192.0.2.9 9 typ host", "none"));
  CHECK(end_local_candidates(p.a.state, "aufrag"));
  CHECK(p.a.state.pending_local->media[0].candidates ==
        std::vector<std::string>{"candidate:7 1 udp 1 192.0.2.7 7 typ host"});
  CHECK(p.a.state.pending_local->media[0].end_of_candidates);
  CHECK(p.a.state.current_local->media[0].candidates.size() == known + 1);

  // The peer's side: the current generation still takes its own while the next waits.
  p.b.set_remote(SdpType::offer, *p.a.state.pending_local);
  const auto add = [&](const char* ufrag) {
    return add_remote_candidate(p.b.state, "candidate:5 1 udp 1 192.0.2.5 5 typ host", {}, 0,
                                ufrag);
  };
  CHECK(*add("aufrag") == CandidateDelivery::later);
  CHECK(*add(before.c_str()) == CandidateDelivery::now);
  CHECK(add("none").error().code == Errc::not_found);
}

TEST_CASE("The credentials of a description are those of its transport", "[jsep]") {
  Pair p;
  const IceCredentials expected{p.a.facts.ice_ufrag, p.a.facts.ice_pwd};
  CHECK(ice_credentials_of(*p.a.state.current_local) == expected);
  CHECK(ice_credentials_of(sdp::Description{}) == IceCredentials{});
}

TEST_CASE("Credentials that change together restart ICE and one alone is an error",
          "[jsep][rfc8839]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  a.facts.ice_ufrag = "newufrag";
  a.facts.ice_pwd = "newpassword-newpassword";
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  const std::string text = sdp::to_string(offer);
  const std::string half = replaced_all(text, "newufrag", b.state.transport->remote_ufrag);
  CHECK(b.remote_error(SdpType::offer, half) ==
        "invalid_argument: ICE ufrag and password must change together");

  b.set_remote(SdpType::offer, offer);
  const auto stale = b.answer();
  CHECK(a.remote_error(SdpType::answer, sdp::to_string(stale)) ==
        "invalid_argument: the answer does not restart ICE as the offer did");
  b.facts.ice_ufrag = "otherufrag";
  b.facts.ice_pwd = "otherpassword-otherpassword";
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  a.set_remote(SdpType::answer, answer);
  for (const Peer* p : {&a, &b}) {
    const auto told = p->told<TransportNegotiated>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].ice_restart);
    CHECK_FALSE(told[0].dtls_restart);
  }
  CHECK(a.state.transport->remote_ufrag == "otherufrag");
}

TEST_CASE("An answer that restarts ICE unasked is refused", "[jsep][rfc9429]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  negotiate(a, b);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  std::string answer = sdp::to_string(b.answer());
  answer = replaced_all(answer, b.facts.ice_ufrag, "surprise");
  answer = replaced_all(answer, b.facts.ice_pwd, "surprise-surprise-surprise");
  CHECK(a.remote_error(SdpType::answer, answer) ==
        "invalid_argument: the answer restarts ICE and the offer did not");
}
