// One side of a negotiation, for tests: a state, its facts, and the changes it was told.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parley/base/random.hpp"
#include "parley/sdp/jsep.hpp"
#include "support/catch.hpp"

namespace parley::jsep::test {

inline LocalFacts facts_for(std::uint64_t seed) {
  SeededRandom random(seed);
  LocalFacts facts;
  facts.ice_ufrag = random.ice_chars(8);
  facts.ice_pwd = random.ice_chars(24);
  facts.fingerprints = {{"sha-256", seed % 2 == 0 ? "AB:CD:EF" : "01:23:45"}};
  facts.candidates = {"candidate:1 1 udp 2122194687 192.0.2.1 " + std::to_string(5000 + seed) +
                      " typ host"};
  return facts;
}

struct Peer {
  explicit Peer(std::uint64_t seed, Config config = default_config()) : facts(facts_for(seed)) {
    SeededRandom random(seed);
    state = make_state(std::move(config), random);
  }

  /// A configuration of its own from now on, to be changed before the next call.
  Config& reconfigure() {
    const auto own = std::make_shared<Config>(*state.config);
    state.config = own;
    return *own;
  }
  sdp::Description offer() const { return require(build_offer(state, facts)); }
  sdp::Description answer() const { return require(build_answer(state, facts)); }
  void set_local(SdpType type, const sdp::Description& d) { take(plan_local(state, type, d)); }
  /// Passes the description as text, as signaling would.
  void set_remote(SdpType type, const sdp::Description& d) { set_remote(type, sdp::to_string(d)); }
  void set_remote(SdpType type, const std::string& text) {
    take(plan_remote(state, type, require(sdp::Description::parse(text))));
  }
  void rollback(Side side) { take(plan_rollback(state, side)); }

  /// The error of a remote description, "" when there is none. Changes nothing.
  std::string remote_error(SdpType type, const std::string& text) const {
    const auto d = require(sdp::Description::parse(text));
    const auto plan = plan_remote(state, type, d);
    return plan ? "" : plan.error().to_string();
  }

  TransceiverId track(MediaKind kind, const std::string& stream = "stream") {
    TransceiverInit init;
    init.stream_ids = {stream};
    init.track_id = "track" + std::to_string(state.next_transceiver);
    return add_track(state, kind, std::move(init));
  }
  const Transceiver& operator[](int id) const {
    const Transceiver* t = state.find(TransceiverId{id});
    REQUIRE(t != nullptr);
    return *t;
  }

  template <class C>
  std::vector<C> told() const {
    std::vector<C> out;
    for (const Change& c : changes) {
      if (const C* found = std::get_if<C>(&c)) out.push_back(*found);
    }
    return out;
  }

  State state;
  LocalFacts facts;
  std::vector<Change> changes;  ///< of the last step

 private:
  template <class T>
  static T require(Result<T> result) {
    INFO((result ? "" : result.error().to_string()));
    REQUIRE(result);
    return std::move(*result);
  }
  void take(Result<Plan> plan) { changes = commit(state, require(std::move(plan))); }
};

/// A whole exchange, begun by `a`.
inline void negotiate(Peer& a, Peer& b) {
  const auto offer = a.offer();
  a.set_local(SdpType::offer, offer);
  b.set_remote(SdpType::offer, offer);
  const auto answer = b.answer();
  b.set_local(SdpType::answer, answer);
  a.set_remote(SdpType::answer, answer);
}

/// `text` with the first `from` replaced; fails the test when it is not there.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  INFO(text);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}
inline std::string replaced_all(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

inline const std::string kHead = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
inline const std::string kTransport =
    "a=ice-ufrag:peer\r\na=ice-pwd:peerpeerpeerpeerpeerpe\r\n"
    "a=fingerprint:sha-256 99:88\r\na=setup:actpass\r\na=rtcp-mux\r\n";
inline const std::string kOpus = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
inline const std::string kVp8 = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";
inline const std::string kData =
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n";

}  // namespace parley::jsep::test
