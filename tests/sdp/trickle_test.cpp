// Candidates that come after their description (RFC 8838).
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

TEST_CASE("Trickled candidates show in the descriptions and wait for the answer",
          "[jsep][rfc8838]") {
  Peer a(1);
  Peer b(2);
  a.facts.candidates.clear();
  a.track(MediaKind::audio);
  const std::string line = "candidate:9 1 udp 1 192.0.2.9 9 typ host";
  const auto add = [](Peer& p, std::string_view text, const char* mid,
                      std::string_view ufrag = {}) {
    return add_remote_candidate(p.state, text, Mid{mid}, std::nullopt, ufrag);
  };
  CHECK(add(b, line, "0").error().code == Errc::invalid_state);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  add_local_candidate(a.state, line);
  CHECK(a.state.pending_local->media[0].candidates == std::vector<std::string>{line});
  end_local_candidates(a.state);
  CHECK(a.state.pending_local->media[0].end_of_candidates);

  b.set_remote(SdpType::offer, offer);
  CHECK(*add(b, "a=" + line + "\r\n", "0") == CandidateDelivery::later);
  CHECK(*add(b, line, "0", a.facts.ice_ufrag) == CandidateDelivery::later);
  CHECK(add(b, line, "5").error().code == Errc::not_found);
  CHECK(add(b, line, "0", "otherone").error().code == Errc::not_found);
  CHECK(add(b, line + "\r\na=x", "0").error().code == Errc::invalid_argument);
  CHECK(b.state.pending_remote->media[0].candidates == std::vector<std::string>{line});
  b.set_local(SdpType::answer, b.answer());
  const auto told = b.told<RemoteCandidates>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].lines == std::vector<std::string>{line});
  CHECK_FALSE(told[0].end_of_candidates);

  CHECK(*add_remote_candidate(b.state, line, Mid{""}, 0) == CandidateDelivery::now);
  CHECK(*add(b, "", "0") == CandidateDelivery::now);
  CHECK(b.state.current_remote->media[0].end_of_candidates);
}

TEST_CASE("Candidates of the peer are bounded", "[jsep][limits]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + kOpus + kTransport);
  for (std::size_t i = 0; i < kMaxRemoteCandidates; ++i) {
    REQUIRE(add_remote_candidate(b.state, "candidate:" + std::to_string(i), std::nullopt, 0));
  }
  CHECK(add_remote_candidate(b.state, "candidate:x", std::nullopt, 0).error().code ==
        Errc::too_large);
}
