// Two sides in random orders of calls, and descriptions damaged line by line.
#include <map>
#include <sstream>

#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

namespace {

std::size_t transceivers_with_section(const State& s) {
  std::size_t n = 0;
  for (const Transceiver& t : s.transceivers) n += t.section ? 1 : 0;
  return n;
}

/// What holds of each side at any time.
void check_state(const State& s) {
  for (const Transceiver& t : s.transceivers) {
    REQUIRE(t.mid.has_value() == t.section.has_value());
    REQUIRE((!t.current_direction || t.negotiated));
    for (const Transceiver& other : s.transceivers) {
      if (&t == &other) continue;
      REQUIRE(t.id != other.id);
      REQUIRE((!t.mid || t.mid != other.mid));
      REQUIRE((!t.section || t.section != other.section));
    }
  }
  REQUIRE((s.signaling == SignalingState::stable) == (s.checkpoint == nullptr));
  std::map<int, std::string> ids;
  for (const auto& [id, name] : s.extension_ids) REQUIRE(ids.emplace(id, name).second);
  std::map<int, std::string> types;
  for (const auto& [type, key] : s.payload_types) REQUIRE(types.emplace(type.value(), key).second);
}

/// What holds of two sides that have just finished an exchange.
void check_agreement(const Peer& a, const Peer& b) {
  REQUIRE(a.state.signaling == SignalingState::stable);
  REQUIRE(b.state.signaling == SignalingState::stable);
  REQUIRE(transceivers_with_section(a.state) == transceivers_with_section(b.state));
  for (const Transceiver& ta : a.state.transceivers) {
    if (!ta.section) continue;
    const Transceiver* tb = b.state.find(*ta.mid);
    REQUIRE(tb != nullptr);
    REQUIRE(tb->section == ta.section);
    REQUIRE(tb->kind == ta.kind);
    REQUIRE(ta.current_direction);
    REQUIRE(tb->current_direction == sdp::reversed(*ta.current_direction));
    REQUIRE(ta.receiving == sdp::receives(*ta.current_direction));
    REQUIRE(ta.negotiated->send.size() == tb->negotiated->receive.size());
    for (std::size_t i = 0; i < ta.negotiated->send.size(); ++i) {
      const auto& out = ta.negotiated->send[i];
      const auto& in = tb->negotiated->receive[i];
      REQUIRE(out.payload_type == in.payload_type);
      REQUIRE(out.rtx_payload_type == in.rtx_payload_type);
      REQUIRE(out.feedback == in.feedback);
    }
    REQUIRE(ta.negotiated->extensions.size() == tb->negotiated->extensions.size());
  }
  REQUIRE(a.state.data.mid == b.state.data.mid);
  if (a.state.transport && b.state.transport) {
    REQUIRE(a.state.transport->mid == b.state.transport->mid);
    REQUIRE(a.state.transport->dtls_role != b.state.transport->dtls_role);
    REQUIRE(a.state.transport->local_was_offerer != b.state.transport->local_was_offerer);
  }
}

/// The m= lines that live do not move, and o= counts up.
class LineWatcher {
 public:
  void check(const State& s) {
    const sdp::Description& d = *s.current_local;
    REQUIRE(d.origin.session_version > version_);
    version_ = d.origin.session_version;
    REQUIRE(d.media.size() >= lines_);
    lines_ = d.media.size();
    for (std::size_t i = 0; i < d.media.size(); ++i) {
      if (d.media[i].is_rejected()) continue;
      const std::string& mid = d.media[i].mid->value();
      REQUIRE(places_.emplace(mid, i).first->second == i);
    }
  }

 private:
  std::uint64_t version_ = 0;
  std::size_t lines_ = 0;
  std::map<std::string, std::size_t> places_;
};

void change_something(Peer& p, Random& random) {
  const auto kind = random.below(2) == 0 ? MediaKind::audio : MediaKind::video;
  auto& list = p.state.transceivers;
  const TransceiverId any = list.empty()
                                ? TransceiverId{-1}
                                : list[random.below(static_cast<std::uint32_t>(list.size()))].id;
  switch (random.below(8)) {
    case 0:
      if (list.size() < 8) add_transceiver(p.state, kind, {});
      break;
    case 1:
    case 2:
      if (list.size() < 8) p.track(kind);
      break;
    case 3:
      (void)stop(p.state, any);
      break;
    case 4:
    case 5:
      (void)set_direction(p.state, any, static_cast<Direction>(random.below(4)));
      break;
    case 6:
      (void)remove_track(p.state, any);
      break;
    default:
      (void)want_data(p.state);
  }
}

}  // namespace

TEST_CASE("Two sides that change and negotiate in any order always agree", "[jsep][property]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    Peer a(2 * seed);
    Peer b(2 * seed + 1);
    LineWatcher watch_a;
    LineWatcher watch_b;
    for (int step = 0; step < 60; ++step) {
      CAPTURE(step);
      Peer& first = random.below(2) == 0 ? a : b;
      Peer& second = &first == &a ? b : a;
      change_something(first, random);
      check_state(first.state);
      if (random.below(3) != 0) continue;
      // Begin an exchange; sometimes the other side changes in between, glares or gives up.
      const auto offer = first.offer();
      first.set_local(SdpType::offer, offer);
      if (random.below(3) == 0) change_something(first, random);
      if (random.below(5) == 0) {
        first.rollback(Side::local);
        check_state(first.state);
        continue;
      }
      if (random.below(4) == 0) second.set_local(SdpType::offer, second.offer());
      second.set_remote(SdpType::offer, offer);
      check_state(second.state);
      if (random.below(3) == 0) change_something(second, random);
      if (random.below(6) == 0) {
        second.rollback(Side::remote);
        first.rollback(Side::local);
        check_state(first.state);
        check_state(second.state);
        continue;
      }
      const auto answer = second.answer();
      if (random.below(4) == 0) {
        second.set_local(SdpType::pranswer, answer);
        first.set_remote(SdpType::pranswer, answer);
        check_state(first.state);
      }
      second.set_local(SdpType::answer, answer);
      first.set_remote(SdpType::answer, answer);
      check_state(first.state);
      check_state(second.state);
      check_agreement(first, second);
      watch_a.check(a.state);
      watch_b.check(b.state);
    }
    // Left alone, negotiation comes to rest.
    for (int round = 0; negotiation_needed(a.state) || negotiation_needed(b.state); ++round) {
      REQUIRE(round < 6);
      if (negotiation_needed(a.state)) {
        negotiate(a, b);
      } else {
        negotiate(b, a);
      }
      check_agreement(a, b);
    }
  }
}

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line + "\n");
  return lines;
}

/// One damaged line: dropped, doubled, moved or garbled.
std::string damaged(const std::string& text, Random& random) {
  auto lines = lines_of(text);
  const auto pick = [&] { return random.below(static_cast<std::uint32_t>(lines.size())); };
  const auto at = pick();
  switch (random.below(4)) {
    case 0:
      lines.erase(lines.begin() + at);
      break;
    case 1:
      lines.insert(lines.begin() + pick(), lines[at]);
      break;
    case 2:
      std::swap(lines[at], lines[pick()]);
      break;
    default:
      lines[at][random.below(static_cast<std::uint32_t>(lines[at].size()))] =
          static_cast<char>(' ' + random.below(95));
  }
  std::string out;
  for (const auto& l : lines) out += l;
  return out;
}

/// A state as text, as far as its parts can be written: to see that nothing changed.
std::string fingerprint_of(const State& s) {
  std::ostringstream out;
  out << to_string(s.signaling) << s.next_version << ' ' << s.next_mid << ' ' << s.next_transceiver;
  for (const Transceiver& t : s.transceivers) {
    out << '|' << t.id.value() << (t.mid ? t.mid->value() : "-") << t.receiving << t.stopping;
  }
  for (const Side side : {Side::local, Side::remote}) {
    if (const auto* d = s.description(side)) out << sdp::to_string(*d);
  }
  return out.str();
}

}  // namespace

TEST_CASE("A damaged offer is an error that changes nothing or gets a valid answer",
          "[jsep][property]") {
  Peer a(1);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  REQUIRE(want_data(a.state));
  const std::string offer = sdp::to_string(a.offer());
  SeededRandom random(4711);
  int refused = 0;
  int answered = 0;
  for (int i = 0; i < 400; ++i) {
    std::string text = damaged(offer, random);
    if (i % 4 == 0) text = damaged(text, random);
    CAPTURE(i, text);
    Peer b(2);
    const std::string before = fingerprint_of(b.state);
    const auto d = sdp::Description::parse(text);
    auto plan = d ? plan_remote(b.state, SdpType::offer, *d) : Result<Plan>(d.error());
    if (!plan) {
      REQUIRE(fingerprint_of(b.state) == before);
      ++refused;
      continue;
    }
    commit(b.state, std::move(*plan));
    check_state(b.state);
    const auto answer = b.answer();
    REQUIRE(answer.media.size() == d->media.size());
    const auto again = sdp::Description::parse(sdp::to_string(answer));
    REQUIRE(again);
    REQUIRE(*again == answer);
    b.set_local(SdpType::answer, answer);
    check_state(b.state);
    REQUIRE(b.state.signaling == SignalingState::stable);
    ++answered;
  }
  CHECK(refused > 20);
  CHECK(answered > 100);
}

TEST_CASE("A damaged answer is an error that changes nothing or completes the exchange",
          "[jsep][property]") {
  Peer a(1);
  Peer b(2);
  a.track(MediaKind::audio);
  a.track(MediaKind::video);
  REQUIRE(want_data(a.state));
  a.set_local(SdpType::offer, a.offer());
  b.set_remote(SdpType::offer, *a.state.pending_local);
  const std::string answer = sdp::to_string(b.answer());
  SeededRandom random(815);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string text = damaged(answer, random);
    CAPTURE(i, text);
    Peer p = a;
    const std::string before = fingerprint_of(p.state);
    const auto d = sdp::Description::parse(text);
    auto plan = d ? plan_remote(p.state, SdpType::answer, *d) : Result<Plan>(d.error());
    if (!plan) {
      REQUIRE(fingerprint_of(p.state) == before);
      ++refused;
      continue;
    }
    commit(p.state, std::move(*plan));
    check_state(p.state);
    REQUIRE(p.state.signaling == SignalingState::stable);
    const auto next = p.offer();
    REQUIRE(next.media.size() == 3);
  }
  CHECK(refused > 20);
  CHECK(refused < 300);
}
