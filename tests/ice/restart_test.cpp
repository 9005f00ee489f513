// ICE restarts (RFC 8445 section 9): two generations side by side.
#include "ice/network.hpp"
#include "parley/ice/transport.hpp"

using namespace parley;
using namespace parley::ice;
using namespace parley::ice::test;

namespace {

using Net = BasicNetwork<Transport>;
using End = BasicNode<Transport>;

struct Scene {
  explicit Scene(Duration delay = 10ms) : net(delay) {
    a = &net.add(controlling(), {at("192.0.2.1:1")});
    b = &net.add(controlled(), {at("192.0.2.2:2")});
  }
  void connect() {
    net.signal(*a, *b);
    net.signal(*b, *a);
    net.run_for(1s);
    REQUIRE(is_connected(*a));
    REQUIRE(is_connected(*b));
  }
  // Candidates of the prepared generation that `from` has signalled.
  static std::vector<Candidate> candidates(const End& from, const std::string& ufrag) {
    std::vector<Candidate> out;
    for (const Candidate& c : Net::candidates(from)) {
      if (c.ufrag == ufrag) out.push_back(c);
    }
    return out;
  }
  void prepare(End& end) {
    end.agent.prepare_restart();
    end.agent.gather_restart(net.now);
    net.gather(end);
  }
  // The answer's way: `to` learns that `from` agreed to the restart.
  void accept(End& to, const Credentials& remote, const std::vector<Candidate>& theirs) {
    REQUIRE(to.agent.accept_restart(net.now, remote));
    for (const Candidate& c : theirs) REQUIRE(to.agent.add_remote_candidate(net.now, c));
    to.agent.end_of_remote_candidates(net.now);
    net.drain(to);
  }
  void restart(End& offerer, End& answerer) {
    prepare(offerer);
    prepare(answerer);
    const Credentials offered = *offerer.agent.prepared_credentials();
    const Credentials answered = *answerer.agent.prepared_credentials();
    accept(answerer, offered, candidates(offerer, offered.ufrag));
    net.run_for(20ms);  // the answer's way
    accept(offerer, answered, candidates(answerer, answered.ufrag));
  }

  Net net;
  End* a;
  End* b;
};

std::vector<Path> selected(const End& end) {
  std::vector<Path> paths;
  for (const Event& e : end.events) {
    if (const auto* s = std::get_if<SelectedPairChanged>(&e)) paths.push_back(s->path);
  }
  return paths;
}

}  // namespace

TEST_CASE("a restart changes the credentials and moves without a gap", "[ice][rfc8445]") {
  for (const bool a_offers : {true, false}) {
    Scene scene;
    scene.connect();
    const std::string before = scene.a->agent.local_credentials().ufrag;
    const std::string password = scene.a->agent.local_credentials().password;
    End& offerer = a_offers ? *scene.a : *scene.b;
    End& answerer = a_offers ? *scene.b : *scene.a;
    scene.restart(offerer, answerer);
    CHECK(scene.a->agent.local_credentials().ufrag != before);
    CHECK(scene.a->agent.local_credentials().password != password);
    const Timestamp end = scene.net.now + 1s;
    while (scene.net.now < end) {
      scene.net.run_for(5ms);
      for (End* side : {scene.a, scene.b}) {
        const auto path = side->agent.selected_path();
        REQUIRE(path);
        const End& other = side == scene.a ? *scene.b : *scene.a;
        CHECK(other.agent.accepts({path->remote, path->local}));
        CHECK(is_connected(*side));
      }
    }
    CHECK(scene.a->agent.role() == Role::controlling);  // RFC 8445 section 9: roles stay
    CHECK(scene.b->agent.role() == Role::controlled);
    CHECK(scene.a->agent.stats().front().number == 1);
    CHECK(scene.b->agent.stats().front().number == 1);
    CHECK(scene.a->agent.state() == State::completed);
    for (const State s : scene.a->states) CHECK((s != State::failed && s != State::disconnected));
  }
}

TEST_CASE("a restart gathers anew with server-reflexive candidates of its generation", "[ice]") {
  Net net{10ms};
  net.stun_server = at("203.0.113.9:3478");
  End& a = net.add(controlling(), {at("10.0.0.1:1")},
                   {NatKind::cone, *IpAddress::parse("198.51.100.1")});
  net.run_for(1s);
  a.agent.prepare_restart();
  a.agent.gather_restart(net.now);
  net.gather(a);
  net.run_for(1s);
  const std::string ufrag = a.agent.prepared_credentials()->ufrag;
  std::vector<CandidateType> types;
  for (const Candidate& c : Net::candidates(a)) {
    if (c.ufrag == ufrag) types.push_back(c.type);
  }
  CHECK(types == std::vector{CandidateType::host, CandidateType::server_reflexive});
  std::vector<GatheringState> states;
  for (const Event& e : a.events) {
    if (const auto* s = std::get_if<GatheringStateChanged>(&e)) states.push_back(s->state);
  }
  CHECK(states == std::vector{GatheringState::gathering, GatheringState::complete,
                              GatheringState::gathering, GatheringState::complete});
}

TEST_CASE("a cancelled restart leaves everything as it was", "[ice]") {
  Scene scene;
  scene.connect();
  const std::string before = scene.a->agent.local_credentials().ufrag;
  scene.prepare(*scene.a);
  const std::string prepared = scene.a->agent.prepared_credentials()->ufrag;
  CHECK(scene.a->agent.prepare_restart().ufrag == prepared);
  CHECK(scene.a->agent.owns_ufrag(prepared));
  scene.a->agent.cancel_restart(scene.net.now);
  scene.net.run_for(60s);
  CHECK(scene.a->agent.prepared_credentials() == nullptr);
  CHECK_FALSE(scene.a->agent.owns_ufrag(prepared));
  CHECK(scene.a->agent.local_credentials().ufrag == before);
  CHECK(is_connected(*scene.a));
  CHECK(is_connected(*scene.b));
  CHECK(scene.a->agent.prepare_restart().ufrag != prepared);
}

TEST_CASE("checks of the new generation before the answer are kept for it", "[ice]") {
  Scene scene;
  scene.connect();
  scene.prepare(*scene.a);
  scene.prepare(*scene.b);
  const Credentials offered = *scene.a->agent.prepared_credentials();
  const Credentials answered = *scene.b->agent.prepared_credentials();
  scene.accept(*scene.b, offered, Scene::candidates(*scene.a, offered.ufrag));
  scene.net.run_for(500ms);  // b checks, a has no answer yet
  CHECK(scene.a->agent.stats().front().number == 0);
  CHECK(scene.b->agent.stats().front().number == 0);                // not nominated: data stays
  REQUIRE(scene.a->agent.accept_restart(scene.net.now, answered));  // no candidates: learned
  scene.net.drain(*scene.a);
  scene.net.run_for(200ms);
  CHECK(scene.a->agent.stats().front().number == 1);
  CHECK(scene.b->agent.stats().front().number == 1);
}

TEST_CASE("a restart after failure finds a path again", "[ice][rfc7675]") {
  Scene scene;
  scene.connect();
  scene.a->is_cut = scene.b->is_cut = true;
  scene.net.run_for(40s);
  REQUIRE(scene.a->agent.state() == State::failed);
  CHECK(scene.a->agent.cause() == Cause::consent_expired);
  scene.a->is_cut = scene.b->is_cut = false;
  scene.a->states.clear();
  scene.restart(*scene.a, *scene.b);
  scene.net.run_for(1s);
  CHECK(scene.a->states == std::vector{State::checking, State::connected, State::completed});
  CHECK(scene.a->agent.cause() == Cause::progress);
  CHECK(is_connected(*scene.b));
  CHECK(scene.a->agent.selected_path() == Path{at("192.0.2.1:1"), at("192.0.2.2:2")});
}

TEST_CASE("a restart from disconnected is checking at once", "[ice][w3c]") {
  Scene scene;
  scene.connect();
  scene.b->is_cut = true;
  REQUIRE(scene.net.run_until([&] { return scene.a->agent.state() == State::disconnected; }, 20s));
  scene.b->is_cut = false;
  scene.a->states.clear();
  scene.restart(*scene.a, *scene.b);
  REQUIRE(scene.a->states.size() == 1);
  CHECK(scene.a->states.front() == State::checking);
  scene.net.run_for(200ms);
  CHECK(is_connected(*scene.a));
}

TEST_CASE("a restart that fails leaves the old path and tells why when that goes too", "[ice]") {
  Scene scene;
  scene.connect();
  scene.prepare(*scene.a);
  // An answer whose sender is nowhere.
  REQUIRE(scene.a->agent.accept_restart(scene.net.now, {"gone", "gonegonegonegonegonegone"}));
  scene.a->agent.end_of_remote_candidates(scene.net.now);
  scene.net.run_for(60s);
  CHECK(is_connected(*scene.a));
  REQUIRE(scene.a->agent.selected_path());
  scene.b->is_cut = true;
  scene.net.run_for(60s);
  CHECK(scene.a->agent.state() == State::failed);
  CHECK(scene.a->agent.cause() == Cause::no_pairs);
}

TEST_CASE("a second restart replaces one that has not found its path", "[ice]") {
  Scene scene;
  scene.connect();
  scene.prepare(*scene.a);
  REQUIRE(scene.a->agent.accept_restart(scene.net.now, {"gone", "gonegonegonegonegonegone"}));
  scene.net.run_for(1s);
  scene.restart(*scene.a, *scene.b);
  scene.net.run_for(1s);
  CHECK(scene.a->agent.stats().size() == 1);
  CHECK(scene.a->agent.stats().front().number == 2);
  CHECK(is_connected(*scene.b));
}

TEST_CASE("candidates of the old generation are ignored after a restart", "[ice][rfc8838]") {
  Scene scene;
  scene.connect();
  Candidate old = Net::candidates(*scene.b).front();
  old.address = at("192.0.2.77:7");
  scene.restart(*scene.a, *scene.b);
  REQUIRE(scene.a->agent.add_remote_candidate(scene.net.now, old));
  scene.net.run_for(1s);
  const auto generations = scene.a->agent.stats();
  for (const Candidate& c : generations.front().stats.remote_candidates) {
    CHECK(c.address != old.address);
    CHECK(c.ufrag == scene.b->agent.local_credentials().ufrag);
  }
}

TEST_CASE("the old generation answers for a while and is forgotten then", "[ice]") {
  Scene scene;
  scene.connect();
  const std::string before = scene.a->agent.local_credentials().ufrag;
  scene.restart(*scene.a, *scene.b);
  scene.net.run_for(1s);
  CHECK(scene.a->agent.owns_ufrag(before));
  scene.net.run_for(Transport::kRetirement);
  CHECK_FALSE(scene.a->agent.owns_ufrag(before));
  scene.net.run_for(60s);
  CHECK(is_connected(*scene.a));
  CHECK(is_connected(*scene.b));
}

TEST_CASE("restarts are refused without preparation and with bad credentials", "[ice]") {
  Scene scene;
  scene.connect();
  CHECK(scene.a->agent.accept_restart(scene.net.now, {"abcd", "abcdabcdabcdabcdabcdabcd"})
            .error()
            .code == Errc::invalid_state);
  scene.prepare(*scene.a);
  CHECK(scene.a->agent.accept_restart(scene.net.now, {"a", "b"}).error().code ==
        Errc::invalid_argument);
  CHECK(scene.a->agent.prepared_credentials() != nullptr);
  scene.a->agent.close();
  scene.net.drain(*scene.a);
  CHECK(scene.a->agent.state() == State::closed);
  CHECK(scene.a->states.back() == State::closed);
  CHECK(scene.a->agent.next_timeout() == kNever);
}

TEST_CASE("restart upon restart keeps the path under loss", "[ice]") {
  Scene scene;
  scene.connect();
  for (int round = 0; round < 5; ++round) {
    for (int n = 0; n < 3; ++n) scene.a->lost.insert(scene.a->sent + 2 * n);
    for (int n = 0; n < 3; ++n) scene.b->lost.insert(scene.b->sent + 2 * n);
    scene.restart(round % 2 == 0 ? *scene.a : *scene.b, round % 2 == 0 ? *scene.b : *scene.a);
    scene.net.run_for(5s);
    CHECK(is_connected(*scene.a));
    CHECK(is_connected(*scene.b));
  }
  CHECK(scene.a->agent.stats().front().number == 5);
  CHECK(scene.b->agent.stats().front().number == 5);
  CHECK(selected(*scene.a).size() >= 6);
}
