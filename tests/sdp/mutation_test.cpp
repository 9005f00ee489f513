// Damaged descriptions of other stacks: an answer or a clear error, and never a half-applied state.
#include <sstream>

#include "sdp/jsep_peer.hpp"
#include "support/sdp_offers.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;
using parley::test::NamedOffer;
using parley::test::offers_of_other_stacks;
using parley::test::SdpMutator;

namespace {

constexpr int kMutations = 200;

void print(std::ostream& out, const DescriptionPtr& d) {
  out << (d != nullptr ? sdp::to_string(*d) : "none") << '\n';
}

/// Everything that a step may change, as text.
std::string digest(const State& s) {
  std::ostringstream out;
  out << to_string(s.signaling) << ' ' << s.next_version << ' ' << s.next_transceiver << ' '
      << s.next_mid << ' ' << s.offered_first << s.last_offer_local << '\n';
  for (const auto* d : {&s.current_local, &s.pending_local, &s.current_remote, &s.pending_remote}) {
    print(out, *d);
  }
  for (const Transceiver& t : s.transceivers) {
    out << t.id.value() << ' ' << t.mid.value_or(Mid{"-"}).value() << ' ' << t.section.value_or(99)
        << ' ' << static_cast<int>(t.direction) << ' '
        << (t.current_direction ? static_cast<int>(*t.current_direction) : -1) << t.stopping
        << t.receiving << t.ever_sent << t.created_by_remote << t.ssrc.value() << ' ';
    for (const auto& id : t.remote_stream_ids) out << id << ' ';
    out << t.remote_track_id << ' ' << t.send_rids.size() << ' ' << t.layers.size() << '\n';
    if (t.negotiated) {
      for (const auto& c : t.negotiated->send) out << c.name << c.payload_type.value() << ' ';
      for (const auto& e : t.negotiated->extensions) out << e.id << e.uri << ' ';
      out << t.negotiated->send_rids.size() << t.negotiated->receive_rids.size() << '\n';
    }
  }
  for (const auto& [id, name] : s.extension_ids) out << id << name << ' ';
  for (const auto& [type, key] : s.payload_types) out << type.value() << key << ' ';
  if (s.transport) out << s.transport->remote_ufrag << s.transport->mid.value();
  out << s.data.wanted << s.data.section.value_or(99)
      << (s.data.negotiated ? s.data.negotiated->remote_port : 0);
  return out.str();
}

Peer answerer(std::uint64_t seed) {
  Config config = default_config();
  config.receive_simulcast = true;
  Peer p(seed, std::move(config));
  p.facts.sctp_init = {1, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1};
  return p;
}

/// What an answer must be, whatever was offered.
void check_answer_fits(const sdp::Description& offer, const sdp::Description& answer) {
  const auto again = sdp::Description::parse(sdp::to_string(answer));
  REQUIRE(again);
  REQUIRE(*again == answer);
  REQUIRE(answer.media.size() == offer.media.size());
  int accepted = 0;
  for (std::size_t i = 0; i < answer.media.size(); ++i) {
    const sdp::Media& a = answer.media[i];
    REQUIRE(a.kind == offer.media[i].kind);
    REQUIRE(a.mid == offer.media[i].mid);
    REQUIRE(a.formats.size() + a.other_formats.size() <=
            offer.media[i].formats.size() + offer.media[i].other_formats.size());
    for (const sdp::Format& f : a.formats) {
      REQUIRE(offer.media[i].find_format(f.payload_type) != nullptr);
    }
    const bool in_group = a.mid && answer.bundle_of(*a.mid) != nullptr;
    if (a.is_rejected()) {
      REQUIRE_FALSE(in_group);
      continue;
    }
    REQUIRE_FALSE(offer.media[i].is_rejected());
    ++accepted;
    REQUIRE((in_group || accepted == 1));
    REQUIRE(a.transport.setup != sdp::Setup::actpass);
  }
}

struct Outcomes {
  int answered = 0;
  int refused = 0;
};

/// Gives `text` to `b` as an offer and answers it if it can be; then all goes back by rollback.
void offer_to(Peer b, const std::string& text, Outcomes& outcomes) {
  const auto parsed = sdp::Description::parse(text);
  if (!parsed) {
    REQUIRE_FALSE(parsed.error().where.empty());
    ++outcomes.refused;
    return;
  }
  const std::string before = digest(b.state);
  const int first_free = b.state.next_transceiver;
  auto plan = plan_remote(b.state, SdpType::offer, *parsed);
  REQUIRE(digest(b.state) == before);
  if (!plan) {
    REQUIRE_FALSE(plan.error().to_string().empty());
    ++outcomes.refused;
    return;
  }
  commit(b.state, std::move(*plan));
  const State offered = b.state;
  if (remote_offer_restarts_ice(b.state)) {
    b.facts.ice_ufrag += "new";
    b.facts.ice_pwd += "new";
  }
  const auto answer = build_answer(b.state, b.facts);
  REQUIRE(answer);
  check_answer_fits(*parsed, *answer);
  auto local = plan_local(b.state, SdpType::answer, *answer);
  INFO((local ? "" : local.error().to_string()));
  REQUIRE(local);
  commit(b.state, std::move(*local));
  REQUIRE(b.state.signaling == SignalingState::stable);
  ++outcomes.answered;
  // Rolled back instead of answered, everything is as it was; only numbers are not given twice.
  State back = offered;
  auto rollback = plan_rollback(back, Side::remote);
  REQUIRE(rollback);
  commit(back, std::move(*rollback));
  back.next_transceiver = first_free;
  REQUIRE(digest(back) == before);
}

}  // namespace

TEST_CASE("offers of other stacks are answered in full", "[jsep][interop]") {
  const auto offers = offers_of_other_stacks();
  REQUIRE(offers.size() >= 12);
  for (const NamedOffer& offer : offers) {
    INFO(offer.name);
    Peer b = answerer(2);
    b.set_remote(SdpType::offer, offer.sdp);
    const auto answer = b.answer();
    check_answer_fits(*b.state.pending_remote, answer);
    for (std::size_t i = 0; i < answer.media.size(); ++i) {
      INFO("m= line " << i);
      CHECK(answer.media[i].is_rejected() == b.state.pending_remote->media[i].is_rejected());
    }
    b.set_local(SdpType::answer, answer);
    CHECK_FALSE(negotiation_needed(b.state));
    // And our own next offer is about the same sections.
    b.track(MediaKind::audio);
    CHECK(b.offer().media.size() >= answer.media.size());
  }
}

TEST_CASE("damaged offers of other stacks are answered or refused", "[jsep][mutation]") {
  const auto offers = offers_of_other_stacks();
  Outcomes all;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    SeededRandom random(1000 + i);
    SdpMutator mutator(random);
    Peer fresh = answerer(2);
    Peer sending = answerer(3);
    sending.track(MediaKind::audio);
    sending.track(MediaKind::video);
    Outcomes outcomes;
    for (int n = 0; n < kMutations; ++n) {
      const std::string text = mutator.mutate(
          offers[i].sdp, offers[random.below(static_cast<std::uint32_t>(offers.size()))].sdp);
      INFO(offers[i].name << " mutation " << n << "\n" << text);
      offer_to(n % 2 == 0 ? fresh : sending, text, outcomes);
    }
    INFO(offers[i].name << ": " << outcomes.answered << " answered");
    // Most damage is to lines that may be missing.
    CHECK(outcomes.answered > kMutations / 5);
    CHECK(outcomes.refused > 0);
    all.answered += outcomes.answered;
    all.refused += outcomes.refused;
  }
  CHECK(all.answered + all.refused == static_cast<int>(offers.size()) * kMutations);
}

TEST_CASE("damaged later offers leave a live session as it was or change all of it",
          "[jsep][mutation]") {
  const auto offers = offers_of_other_stacks();
  for (std::size_t i = 0; i < offers.size(); ++i) {
    SeededRandom random(2000 + i);
    SdpMutator mutator(random);
    Peer b = answerer(2);
    b.set_remote(SdpType::offer, offers[i].sdp);
    b.set_local(SdpType::answer, b.answer());
    Outcomes outcomes;
    for (int n = 0; n < kMutations; ++n) {
      const std::string text = mutator.mutate(offers[i].sdp, offers[(i + 1) % offers.size()].sdp);
      INFO(offers[i].name << " mutation " << n << "\n" << text);
      offer_to(b, text, outcomes);
    }
    CHECK(outcomes.answered > 0);
  }
}

TEST_CASE("damaged answers are taken whole or refused", "[jsep][mutation]") {
  const auto offers = offers_of_other_stacks();
  Peer a = answerer(1);
  a.reconfigure().offer_snap = true;
  a.track(MediaKind::audio);
  TransceiverInit camera;
  camera.track_id = "camera";
  camera.send_rids = {Rid{"q"}, Rid{"h"}, Rid{"f"}};
  add_transceiver(a.state, MediaKind::video, camera);
  REQUIRE(want_data(a.state));
  Peer b = answerer(2);
  b.track(MediaKind::video);
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const std::string answer = sdp::to_string(b.answer());
  SeededRandom random(3000);
  SdpMutator mutator(random);
  int taken = 0;
  for (int n = 0; n < 10 * kMutations; ++n) {
    const std::string text =
        mutator.mutate(answer, offers[static_cast<std::size_t>(n) % offers.size()].sdp);
    INFO("mutation " << n << "\n" << text);
    const auto parsed = sdp::Description::parse(text);
    if (!parsed) continue;
    const std::string before = digest(a.state);
    auto plan = plan_remote(a.state, SdpType::answer, *parsed);
    REQUIRE(digest(a.state) == before);
    if (!plan) {
      REQUIRE_FALSE(plan.error().to_string().empty());
      continue;
    }
    State next = a.state;
    commit(next, std::move(*plan));
    REQUIRE(next.signaling == SignalingState::stable);
    REQUIRE(build_offer(next, a.facts));
    ++taken;
  }
  CHECK(taken > kMutations);
}
