// Two peers, their media and their clocks: the call itself.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/relay.hpp"
#include "loopback_call/impairment.hpp"
#include "loopback_call/media_source.hpp"
#include "loopback_call/options.hpp"
#include "loopback_call/recorder.hpp"
#include "loopback_call/stats_json.hpp"
#include "loopback_call/summary.hpp"
#include "loopback_call/timeline.hpp"
#include "parley/machine.hpp"
#include "parley/peer_connection.hpp"

namespace loopback_call {

using example::other;
using example::Relay;
using example::Side;

/// What one end of the call has of its own.
struct EndSetup {
  parley::Driver* driver = nullptr;  ///< outlives the call
  /// The address to use; loopback on a real machine.
  parley::IpAddress address;
  std::unique_ptr<PictureSource> pictures;
  std::int64_t first_picture = 0;  ///< of the endless sequence
  std::int64_t first_sample = 0;   ///< of the speech
  /// Null: one is made.
  std::shared_ptr<const parley::dtls::Identity> identity;
  /// Of the encoders: what a call needs that must keep up with the clock, or that must outrun it.
  enum class Effort { normal, low } effort = Effort::normal;
};

struct CallConfig {
  parley::Duration length{};
  parley::DataRate bitrate;  ///< video, each way
  Impairment impairment;
  std::filesystem::path out;
  const SpeechSource* speech = nullptr;  ///< outlives the call
  /// Candidates pass through it when it is there.
  Relay* relay = nullptr;
  /// Told of each second.
  std::function<void(const Second&)> on_second;
  /// The call is over; runs on the driver's sequence. Recorders are idle.
  std::function<void()> on_done;
};

/// Makes an offer at a, answers it at b, lets both send speech and pictures to each other for the
/// agreed time, and gathers what came of it.
///
/// Both ends' drivers are one sequence of execution (one thread), on which everything here is
/// called. After `on_done` the call may be asked for its results and destroyed.
class Call {
 public:
  Call(CallConfig config, EndSetup a, EndSetup b);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// Errors: what `PeerConnection` and `Recorder` refuse; `on_done` does not run then.
  parley::Result<void> start();

  /// Valid after `on_done`.
  const Summary& summary() const { return summary_; }
  /// Why the call ended before its time; empty when it did not.
  const std::string& failure() const { return failure_; }
  const Timeline& timeline() const { return timeline_; }
  const Recorder& recorder(Side at) const;
  /// To be finished with the summary.
  StatsJsonWriter& stats_json() { return *stats_; }

 private:
  struct End;
  End& end(Side side) { return *ends_[static_cast<std::size_t>(side)]; }
  const End& end(Side side) const { return *ends_[static_cast<std::size_t>(side)]; }

  parley::Result<void> create_end(Side side, EndSetup setup);
  parley::Result<void> create_recorder(Side side);
  parley::Result<void> negotiate();
  void handle_candidate(Side side, parley::IceCandidate candidate);
  void give_up_connecting();
  void handle_state(Side side, parley::ConnectionState state);
  void begin_media();
  void send_picture(Side side);
  void send_sound(Side side);
  void play_sound(Side side);
  void show(Side side, const parley::VideoFrame& frame);
  void take_sample();
  void end_pictures();
  void drain();
  void fail(std::string reason);
  void finish();
  void finish_when_idle();
  void summarise();
  void schedule(Side side, parley::Timestamp at, void (Call::*step)(Side));
  void schedule(parley::Timestamp at, void (Call::*step)());
  parley::Timestamp now() const;
  double elapsed_s() const;
  double last_second_s() const;

  CallConfig config_;
  std::array<std::unique_ptr<End>, 2> ends_;
  std::array<EndSetup, 2> setups_;
  std::optional<StatsJsonWriter> stats_;
  Timeline timeline_;
  std::pair<parley::StatsReport, parley::StatsReport> final_stats_;
  Summary summary_;
  std::string failure_;
  parley::Timestamp offer_at_{};
  parley::Timestamp media_at_{};
  enum class Phase { connecting, media, draining, over } phase_ = Phase::connecting;
  /// Steps that were scheduled outlive the call: each looks here first.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace loopback_call
