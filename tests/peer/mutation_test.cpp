// Damaged offers of other stacks, given to whole connections.
#include "parley/dtls/identity.hpp"
#include "peer/call_scene.hpp"
#include "support/sdp_offers.hpp"

using namespace parley;
using parley::test::NamedOffer;

namespace {

std::string state_of(const PeerConnection& pc) {
  std::string text{to_string(pc.signaling_state())};
  for (const auto& d : {pc.local_description(), pc.remote_description()}) {
    text += d ? d->sdp : std::string{"none\n"};
  }
  for (const Transceiver& t : pc.transceivers()) text += t.mid() + ' ';
  return text;
}

}  // namespace

TEST_CASE("a connection refuses a damaged offer as a whole and takes the next one", "[peer]") {
  sim::Network network{1};
  auto& host = network.add_host({.name = "a", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
  SeededRandom random(4000);
  parley::test::SdpMutator mutator(random);
  Configuration config;
  config.video.receive_simulcast = true;
  config.data.snap = true;
  config.identity = *dtls::Identity::create(
      {.not_before = {}, .not_after = std::chrono::sys_seconds{} + std::chrono::hours{24}}, random);
  const auto offers = parley::test::offers_of_other_stacks();
  int answered = 0;
  int refused = 0;
  for (const NamedOffer& offer : offers) {
    for (int n = 0; n < 40; ++n) {
      const std::string text = mutator.mutate(offer.sdp, offers[0].sdp);
      INFO(offer.name << " mutation " << n << "\n" << text);
      auto pc = *PeerConnection::create(host, config);
      const std::string before = state_of(*pc);
      if (!pc->set_remote_description({SdpType::offer, text})) {
        ++refused;
        REQUIRE(state_of(*pc) == before);
        REQUIRE(pc->set_remote_description({SdpType::offer, offer.sdp}));
      }
      const auto answer = pc->set_local_description();
      UNSCOPED_INFO("answer: " << (answer ? "" : answer.error().to_string()));
      REQUIRE(answer);
      REQUIRE(pc->signaling_state() == SignalingState::stable);
      ++answered;
      network.run_for(100ms);
      REQUIRE_FALSE(pc->get_stats().objects.empty());
    }
  }
  CHECK(answered == static_cast<int>(offers.size()) * 40);
  CHECK(refused > 20);
}
