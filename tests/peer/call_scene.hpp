// A call between two PeerConnections on the simulator, with media that can be checked.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parley/peer_connection.hpp"
#include "parley/sim/host.hpp"
#include "parley/sim/network.hpp"
#include "support/catch.hpp"
#include "support/picture.hpp"

namespace parley::test {

/// One side of the call.
struct Side {
  sim::Host* host = nullptr;
  std::unique_ptr<PeerConnection> pc;
  std::vector<Transceiver> audio, video;
  std::vector<ConnectionState> states;
  std::vector<SignalingState> signaling;
  int tracks = 0;
  int negotiation_needed = 0;

  // Video by RTP timestamp, so that each picture is compared with the very one that was sent.
  std::map<std::uint32_t, int> sent;
  int frames_sent = 0;
  int frames_shown = 0;
  double worst_psnr = 99;
  double psnr_sum = 0;
  std::uint32_t last_shown = 0;
  bool out_of_order = false;
  // Audio.
  std::uint64_t blocks_read = 0;
  std::map<PlayoutOutcome, std::uint64_t> outcomes;
  double energy = 0;
  double phase = 0;  // of the tone it sends
};

/// Two hosts, one connection each; signalling takes `signalling_delay` and loses nothing.
class CallScene {
 public:
  struct Options {
    std::uint64_t seed = 1;
    sim::LinkConfig link{.delay = 10ms};
    Duration signalling_delay = 20ms;
    Configuration a{};
    Configuration b{};
    bool audio = true;
    bool video = true;
    bool ipv6 = false;
  };

  // The network outlives the connections that it carries.
 private:
  Options options_;
  sim::Network network_;

 public:
  explicit CallScene(Options options) : options_(std::move(options)), network_(options_.seed) {
    a.host = &network_.add_host({.name = "a", .addresses = {address(1)}});
    b.host = &network_.add_host({.name = "b", .addresses = {address(2)}});
    set_link(options_.link);
    create(a, options_.a);
    create(b, options_.b);
  }

  /// Both directions.
  void set_link(const sim::LinkConfig& link) {
    network_.connect(*a.host, *b.host, link);
    network_.connect(*b.host, *a.host, link);
  }

  /// Adds the media of the options to both sides and makes `a` offer.
  void start() {
    for (Side* side : {&a, &b}) {
      if (side != &a) continue;  // b's transceivers come from the offer
      if (options_.audio) side->audio.push_back(*side->pc->add_transceiver(MediaKind::audio));
      if (options_.video) side->video.push_back(*side->pc->add_transceiver(MediaKind::video));
    }
    negotiate(a, b);
  }

  /// `offerer` offers, `answerer` answers and sends in return.
  void negotiate(Side& offerer, Side& answerer) {
    const auto offer = offerer.pc->set_local_description();
    REQUIRE(offer);
    later([this, &offerer, &answerer, offer = *offer] {
      REQUIRE(answerer.pc->set_remote_description(offer));
      adopt_transceivers(answerer);
      if (before_answer) before_answer(answerer);
      const auto answer = answerer.pc->set_local_description();
      REQUIRE(answer);
      later([&offerer, answer = *answer] { REQUIRE(offerer.pc->set_remote_description(answer)); });
    });
  }

  bool run_until_connected(Duration limit = 10s) {
    return network_.run_until(
        [&] {
          return a.pc->connection_state() == ConnectionState::connected &&
                 b.pc->connection_state() == ConnectionState::connected;
        },
        limit);
  }

  /// Sends and plays for `duration` of virtual time.
  void run_media(Duration duration) {
    const Timestamp end = network_.now() + duration;
    for (Side* side : {&a, &b}) {
      send_video(*side, end);
      send_audio(*side, end);
      play_audio(*side, end);
    }
    network_.run_until(end);
  }
  void run_for(Duration duration) { network_.run_for(duration); }
  /// Runs `task` one signalling delay from now.
  void later(std::function<void()> task) {
    a.host->post_at(network_.now() + options_.signalling_delay, std::move(task));
  }
  sim::Network& network() { return network_; }
  Timestamp now() const { return network_.now(); }

  Side a, b;
  /// What an application does between the offer and its answer.
  std::function<void(Side& answerer)> before_answer;

 private:
  IpAddress address(std::uint8_t last) const {
    if (!options_.ipv6) return IpAddress::v4(10, 0, 0, last);
    return *IpAddress::parse("2001:db8::" + std::to_string(last));
  }

  void create(Side& side, const Configuration& config) {
    auto made = PeerConnection::create(*side.host, config);
    REQUIRE(made);
    side.pc = std::move(*made);
    Side& other = &side == &a ? b : a;
    side.pc->on_ice_candidate([this, &other](const IceCandidate& candidate) {
      later([&other, candidate] { add_candidate(other, candidate); });
    });
    side.pc->on_connection_state_change(
        [&side](ConnectionState state) { side.states.push_back(state); });
    side.pc->on_signaling_state_change(
        [&side](SignalingState state) { side.signaling.push_back(state); });
    side.pc->on_negotiation_needed([&side] { ++side.negotiation_needed; });
    side.pc->on_track([this, &side, &other](Transceiver transceiver) {
      ++side.tracks;
      if (transceiver.kind() != MediaKind::video) return;
      transceiver.on_frame(
          [this, &side, &other](const VideoFrame& frame) { show(side, other, frame); });
    });
  }

  static void add_candidate(Side& side, const IceCandidate& candidate) {
    // A candidate may overtake the description it belongs to by the order of two posts at once.
    if (side.pc) (void)side.pc->add_ice_candidate(candidate).has_value();
  }

  void adopt_transceivers(Side& side) {
    for (const Transceiver& transceiver : side.pc->transceivers()) {
      auto& known = transceiver.kind() == MediaKind::audio ? side.audio : side.video;
      bool fresh = true;
      for (const Transceiver& t : known) fresh = fresh && t.id() != transceiver.id();
      if (!fresh) continue;
      known.push_back(transceiver);
      REQUIRE(known.back().set_direction(Direction::sendrecv));
    }
  }

  void show(Side& side, const Side& sender, const VideoFrame& frame) {
    ++side.frames_shown;
    if (side.frames_shown > 1 &&
        static_cast<std::int32_t>(frame.rtp_timestamp - side.last_shown) <= 0) {
      side.out_of_order = true;
    }
    side.last_shown = frame.rtp_timestamp;
    const auto found = sender.sent.find(frame.rtp_timestamp);
    REQUIRE(found != sender.sent.end());
    const double psnr = luma_psnr(*frame.picture, *moving_picture(found->second));
    side.worst_psnr = std::min(side.worst_psnr, psnr);
    side.psnr_sum += psnr;
  }

  void send_video(Side& side, Timestamp end) {
    if (side.video.empty() || !side.pc || side.host->now() >= end) return;
    const auto sent = side.video.front().send(
        VideoFrame{.picture = moving_picture(side.frames_sent), .capture_time = side.host->now()});
    if (sent) side.sent[*sent] = side.frames_sent++;
    side.host->post_at(side.host->now() + 33ms, [this, &side, end] { send_video(side, end); });
  }

  void send_audio(Side& side, Timestamp end) {
    if (side.audio.empty() || !side.pc || side.host->now() >= end) return;
    // Voiced speech in rough: the harmonics of 120 Hz, in syllables of a quarter of a second. (A
    // pure tone would make Opus choose a mode without in-band FEC.)
    std::array<std::int16_t, kSamplesPer10Ms> pcm;
    for (auto& sample : pcm) {
      double value = 0;
      for (int harmonic = 1; harmonic <= 12; ++harmonic) {
        value += std::sin(harmonic * side.phase) / harmonic;
      }
      const double syllable = 0.6 + 0.4 * std::sin(side.phase / 30);
      sample = static_cast<std::int16_t>(7000 * value * syllable);
      side.phase += 2 * 3.14159265358979 * 120 / kAudioSampleRate;
    }
    (void)side.audio.front().send(pcm).has_value();
    side.host->post_at(side.host->now() + 10ms, [this, &side, end] { send_audio(side, end); });
  }

  void play_audio(Side& side, Timestamp end) {
    if (side.audio.empty() || !side.pc || side.host->now() >= end) return;
    AudioBlock block;
    ++side.outcomes[side.audio.front().read(block)];
    ++side.blocks_read;
    for (const std::int16_t sample : block.samples()) {
      side.energy += static_cast<double>(sample) * sample;
    }
    side.host->post_at(side.host->now() + 10ms, [this, &side, end] { play_audio(side, end); });
  }
};

}  // namespace parley::test
