// What may change on a live call: media are added, ended, turned, recycled, by both sides at once.
#include <set>

#include "peer/flow_scene.hpp"

using namespace parley;
using parley::test::Flow;
using parley::test::moving_picture;
using parley::test::Side;

namespace {

std::size_t sections_of(const Side& side) {
  const std::string sdp = side.pc->local_description()->sdp;
  std::size_t sections = 0;
  for (std::size_t at = 0; (at = sdp.find("\r\nm=", at)) != std::string::npos; ++at) ++sections;
  return sections;
}

bool stats_name(const Side& side, std::string_view type, std::string_view mid) {
  const auto report = side.pc->get_stats();
  for (const StatsObject& object : report.objects) {
    if (object.type() == type && object.text("mid") == mid) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("three videos each way arrive on their own transceivers", "[peer][rfc9143]") {
  Flow call;
  (void)*call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b, [&] { Flow::send_back(call.b); });
  REQUIRE(call.run_until_connected());
  call.run_pictures(500ms);
  // One more from each side, on the live call.
  (void)*call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b, [&] { Flow::send_back(call.b); });
  (void)*call.b.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.b, call.a, [&] { Flow::send_back(call.a); });
  call.at_a.shown.clear();
  call.at_b.shown.clear();
  call.run_pictures(2s);
  for (const auto* counts : {&call.at_a, &call.at_b}) {
    CHECK(counts->shown.size() == 3);
    for (const auto& [mid, shown] : counts->shown) CHECK(shown > 50);
    CHECK(counts->tracks.size() == 3);
    for (const auto& [id, tracks] : counts->tracks) CHECK(tracks == 1);
  }
  CHECK(call.a.states == std::vector{ConnectionState::connecting, ConnectionState::connected});
}

TEST_CASE("pictures of one video never appear on another", "[peer][rfc9143]") {
  Flow call;
  for (int i = 0; i < 3; ++i) (void)*call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b);
  REQUIRE(call.run_until_connected());
  for (Transceiver t : call.a.pc->transceivers()) {
    call.at_b.shown.clear();
    for (int i = 0; i < 20; ++i) {
      REQUIRE(t.send(VideoFrame{.picture = moving_picture(i), .capture_time = call.now()}));
      call.run_for(33ms);
    }
    call.run_for(100ms);
    CHECK(call.at_b.shown == std::map<std::string, int>{{t.mid(), 20}});
  }
}

TEST_CASE("each pair of directions lets exactly the agreed media through", "[peer][rfc3264]") {
  Flow call;
  Transceiver ours = *call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b, [&] { Flow::send_back(call.b); });
  REQUIRE(call.run_until_connected());
  const std::string mid = ours.mid();
  Transceiver theirs = Flow::by_mid(call.b, mid);
  const Direction all[] = {Direction::sendrecv, Direction::sendonly, Direction::recvonly,
                           Direction::inactive};
  bool a_offers = true;
  for (const Direction of_a : all) {
    for (const Direction of_b : all) {
      REQUIRE(ours.set_direction(of_a));
      REQUIRE(theirs.set_direction(of_b));
      if (a_offers) {
        Flow::exchange(call.a, call.b);
      } else {
        Flow::exchange(call.b, call.a);
      }
      a_offers = !a_offers;
      call.run_for(50ms);  // what was under way
      const bool to_b = sdp::sends(of_a) && sdp::receives(of_b);
      const bool to_a = sdp::sends(of_b) && sdp::receives(of_a);
      CHECK(ours.current_direction() == sdp::make_direction(to_b, to_a));
      CHECK(theirs.current_direction() == sdp::make_direction(to_a, to_b));
      call.at_a.shown.clear();
      call.at_b.shown.clear();
      call.run_pictures(600ms);
      call.run_for(100ms);
      INFO(static_cast<int>(of_a) << " " << static_cast<int>(of_b));
      CHECK((to_a ? call.at_a.shown[mid] >= 17 : call.at_a.shown[mid] == 0));
      CHECK((to_b ? call.at_b.shown[mid] >= 17 : call.at_b.shown[mid] == 0));
    }
  }
}

TEST_CASE("a track that the peer turns off and on ends and comes again", "[peer][w3c]") {
  Flow call;
  Transceiver ours = *call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b);
  REQUIRE(call.run_until_connected());
  const int id = Flow::by_mid(call.b, ours.mid()).id();
  REQUIRE(ours.set_direction(Direction::inactive));
  Flow::exchange(call.a, call.b);
  call.run_for(1ms);
  CHECK(call.at_b.ended[id] == 1);
  CHECK_FALSE(call.at_b.stopped_at_ended[id]);
  REQUIRE(ours.set_direction(Direction::sendonly));
  Flow::exchange(call.a, call.b);
  call.run_for(1ms);
  CHECK(call.at_b.tracks[id] == 2);
  REQUIRE(ours.stop());
  Flow::exchange(call.a, call.b);
  call.run_for(1ms);
  CHECK(call.at_b.ended[id] == 2);
  CHECK(call.at_b.stopped_at_ended[id]);
}

TEST_CASE("stop ends the media at once and the section with the next negotiation", "[peer][w3c]") {
  Flow call;
  Transceiver first = *call.a.pc->add_transceiver(MediaKind::video);
  Transceiver second = *call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b, [&] { Flow::send_back(call.b); });
  REQUIRE(call.run_until_connected());
  call.run_pictures(500ms);
  const std::string mid = second.mid();
  Transceiver theirs = Flow::by_mid(call.b, mid);
  REQUIRE(second.stop());
  CHECK(second.stopped());
  CHECK(second.set_direction(Direction::sendrecv).error().code == Errc::invalid_state);
  call.run_for(50ms);
  call.at_a.shown.clear();
  call.at_b.shown.clear();
  call.run_pictures(500ms);
  CHECK(call.at_a.shown[mid] == 0);
  CHECK(call.at_b.shown[mid] == 0);
  CHECK(call.at_b.shown[first.mid()] > 10);
  CHECK_FALSE(theirs.stopped());
  Flow::exchange(call.a, call.b);
  call.run_for(1ms);
  CHECK(theirs.stopped());
  CHECK(theirs.mid().empty());
  for (const Side* side : {&call.a, &call.b}) {
    CHECK_FALSE(stats_name(*side, "outbound-rtp", mid));
    CHECK_FALSE(stats_name(*side, "inbound-rtp", mid));
    CHECK(stats_name(*side, "outbound-rtp", first.mid()));
  }
  for (Transceiver* gone : {&second, &theirs}) {
    CHECK(gone->send(VideoFrame{.picture = moving_picture(0), .capture_time = call.now()})
              .error()
              .code == Errc::closed);
    CHECK(gone->set_direction(Direction::sendrecv).error().code == Errc::closed);
    CHECK(gone->set_active(true).error().code == Errc::closed);
    CHECK(gone->stop().error().code == Errc::closed);
    gone->on_frame([](const VideoFrame&) {});
    gone->on_key_frame_request([] {});
  }
}

TEST_CASE("sections are recycled for new media again and again", "[peer][rfc9429]") {
  Flow call;
  Transceiver kept = *call.a.pc->add_transceiver(MediaKind::video);
  Transceiver changing = *call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b, [&] { Flow::send_back(call.b); });
  REQUIRE(call.run_until_connected());
  std::set<std::string> mids{kept.mid(), changing.mid()};
  for (int round = 0; round < 8; ++round) {
    Side& offerer = round % 2 == 0 ? call.a : call.b;
    Side& answerer = round % 2 == 0 ? call.b : call.a;
    REQUIRE(Flow::by_mid(offerer, changing.mid()).stop());
    // Ended and replaced in one offer, or in two.
    if (round % 3 != 0) Flow::exchange(offerer, answerer);
    changing = *offerer.pc->add_transceiver(MediaKind::video);
    Flow::exchange(offerer, answerer, [&] { Flow::send_back(answerer); });
    if (round % 3 == 0) Flow::exchange(offerer, answerer);
    CHECK(mids.insert(changing.mid()).second);
    call.run_for(50ms);
    call.at_a.shown.clear();
    call.at_b.shown.clear();
    call.run_pictures(500ms);
    INFO("round " << round << ", mid " << changing.mid());
    for (auto* counts : {&call.at_a, &call.at_b}) {
      CHECK(counts->shown[changing.mid()] > 10);
      CHECK(counts->shown[kept.mid()] > 10);
      CHECK(counts->shown.size() == 2);
    }
  }
  CHECK(sections_of(call.a) <= 4);
  CHECK(call.a.pc->transceivers().size() == 2);
  CHECK(call.b.pc->transceivers().size() == 2);
}

TEST_CASE("an answer that rejects a section ends its transceiver on both sides",
          "[peer][rfc9429]") {
  Flow call;
  Transceiver first = *call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b);
  REQUIRE(call.run_until_connected());
  Transceiver refused = *call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b, [&] { REQUIRE(call.b.pc->transceivers().back().stop()); });
  call.run_for(1ms);
  CHECK(refused.stopped());
  CHECK(call.a.pc->transceivers().size() == 1);
  CHECK(call.b.pc->transceivers().size() == 1);
  call.run_pictures(500ms);
  CHECK(call.at_b.shown[first.mid()] > 10);
}

TEST_CASE("rolling the peer's offer back undoes its transceivers", "[peer][rfc9429]") {
  Flow call;
  (void)*call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b, [&] { Flow::send_back(call.b); });
  REQUIRE(call.run_until_connected());
  (void)*call.a.pc->add_transceiver(MediaKind::video);
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(call.b.pc->set_remote_description(*offer));
  Transceiver made = call.b.pc->transceivers().back();
  REQUIRE(call.b.pc->transceivers().size() == 2);
  call.run_for(1ms);
  CHECK(call.at_b.tracks[made.id()] == 1);
  REQUIRE(call.b.pc->rollback());
  REQUIRE(call.a.pc->rollback());
  CHECK(call.b.pc->transceivers().size() == 1);
  CHECK(made.stopped());
  call.run_for(1ms);
  CHECK(call.at_b.ended[made.id()] == 1);
  CHECK(call.a.pc->transceivers().size() == 2);  // ours stays, to be offered again
  CHECK(call.a.negotiation_needed >= 1);
  call.run_pictures(500ms);
  CHECK(call.at_a.shown.size() == 1);
  Flow::exchange(call.a, call.b);
  call.run_for(50ms);
  call.run_pictures(500ms);
  CHECK(call.at_b.shown.size() == 2);
}

TEST_CASE("media follow a provisional answer and then the final one", "[peer][rfc9429]") {
  Flow call;
  Transceiver ours = *call.a.pc->add_transceiver(MediaKind::video);
  const auto offer = call.a.pc->set_local_description();
  REQUIRE(offer);
  REQUIRE(call.b.pc->set_remote_description(*offer));
  auto early = call.b.pc->create_answer();
  REQUIRE(early);
  early->type = SdpType::pranswer;
  REQUIRE(call.b.pc->set_local_description(*early));
  REQUIRE(call.a.pc->set_remote_description(*early));
  REQUIRE(call.run_until_connected());
  CHECK(call.a.pc->signaling_state() == SignalingState::have_remote_pranswer);
  CHECK(call.b.pc->signaling_state() == SignalingState::have_local_pranswer);
  CHECK_FALSE(call.a.pc->rollback());
  call.run_pictures(500ms);
  CHECK(call.at_b.shown["0"] > 10);
  CHECK(call.at_a.shown["0"] == 0);
  Flow::send_back(call.b);
  const auto answer = call.b.pc->set_local_description();
  REQUIRE(answer);
  REQUIRE(call.a.pc->set_remote_description(*answer));
  call.run_pictures(500ms);
  CHECK(call.at_a.shown["0"] > 10);
  CHECK(call.a.pc->signaling_state() == SignalingState::stable);
}

TEST_CASE("a data channel joins a live call of media", "[peer][rfc8841]") {
  Flow call;
  (void)*call.a.pc->add_transceiver(MediaKind::video);
  Flow::exchange(call.a, call.b);
  REQUIRE(call.run_until_connected());
  call.run_pictures(300ms);
  const int needed = call.b.negotiation_needed;
  auto channel = call.b.pc->create_data_channel("late");
  REQUIRE(channel);
  int arrived = 0;
  call.a.pc->on_data_channel([&](DataChannel) { ++arrived; });
  call.run_for(1ms);
  CHECK(call.b.negotiation_needed == needed + 1);
  Flow::exchange(call.b, call.a);
  call.run_pictures(500ms);
  CHECK(arrived == 1);
  CHECK(call.at_b.shown["0"] > 15);
}

// --- Perfect negotiation ---

namespace {

/// W3C webrtc-pc section 10.7: each side offers whenever it should; the impolite one ignores an
/// offer that meets its own.
struct Negotiator {
  Flow& scene;
  Side& side;
  bool polite;
  Negotiator* peer = nullptr;
  int ignored = 0;

  void attach() {
    side.pc->on_negotiation_needed([this] {
      const auto offer = side.pc->set_local_description();
      REQUIRE(offer);
      deliver(*offer);
    });
    side.pc->on_ice_candidate([this](const IceCandidate& candidate) {
      scene.later([this, candidate] {
        // Those of an offer that was ignored or rolled back find no place.
        (void)peer->side.pc->add_ice_candidate(candidate).has_value();
      });
    });
  }
  void deliver(const SessionDescription& description) {
    scene.later([this, description] { peer->take(description); });
  }
  void take(const SessionDescription& description) {
    const bool offer = description.type == SdpType::offer;
    if (offer && !polite && side.pc->signaling_state() != SignalingState::stable) {
      ++ignored;
      return;
    }
    // An answer to an offer that was rolled back meanwhile.
    if (!offer && side.pc->signaling_state() != SignalingState::have_local_offer) return;
    const auto set = side.pc->set_remote_description(description);
    INFO((set ? "" : set.error().to_string()));
    REQUIRE(set);
    if (!offer) return;
    const auto answer = side.pc->set_local_description();
    REQUIRE(answer);
    deliver(*answer);
  }
};

}  // namespace

TEST_CASE("perfect negotiation settles whatever both sides do at once", "[peer][w3c]") {
  int ignored = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Flow call{{.seed = seed, .signalling_delay = 30ms, .audio = false, .video = false}};
    Negotiator at_a{call, call.a, false}, at_b{call, call.b, true};
    at_a.peer = &at_b;
    at_b.peer = &at_a;
    at_a.attach();
    at_b.attach();
    SeededRandom random{seed};
    (void)*call.a.pc->add_transceiver(MediaKind::video);
    REQUIRE(call.run_until_connected());
    for (int step = 0; step < 40; ++step) {
      Side& side = random.u32() % 2 == 0 ? call.a : call.b;
      auto transceivers = side.pc->transceivers();
      Transceiver any = transceivers.empty() ? *side.pc->add_transceiver(MediaKind::video)
                                             : transceivers[random.u32() % transceivers.size()];
      switch (random.u32() % 5) {
        case 0:
          if (transceivers.size() < 5) (void)*side.pc->add_transceiver(MediaKind::video);
          break;
        case 1:
          if (transceivers.size() > 1) (void)any.stop().has_value();
          break;
        case 2:
          side.pc->restart_ice();
          break;
        default:
          (void)any.set_direction(static_cast<Direction>(random.u32() % 4)).has_value();
      }
      call.run_pictures(Duration{random.u32() % 60'000});
    }
    call.run_for(2s);
    INFO("seed " << seed);
    CHECK(call.a.pc->signaling_state() == SignalingState::stable);
    CHECK(call.b.pc->signaling_state() == SignalingState::stable);
    CHECK(call.a.pc->connection_state() == ConnectionState::connected);
    CHECK(call.b.pc->connection_state() == ConnectionState::connected);
    // Both know the same sections, and a new video finds its way.
    std::set<std::string> mids_a, mids_b;
    for (const Transceiver& t : call.a.pc->transceivers()) mids_a.insert(t.mid());
    for (const Transceiver& t : call.b.pc->transceivers()) mids_b.insert(t.mid());
    CHECK(mids_a == mids_b);
    const Transceiver last = *call.a.pc->add_transceiver(MediaKind::video);
    call.run_for(500ms);
    call.run_pictures(500ms);
    CHECK(call.at_b.shown[last.mid()] > 10);
    ignored += at_a.ignored;
  }
  CHECK(ignored > 0);  // there was glare
}
