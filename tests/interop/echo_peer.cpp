// parley as the other end of a call with a stack that is not ours: one JSON line in, JSON lines
// out.
//
//   in    {"type":"offer","sdp":"..."}   the peer's complete description (first line)
//         close                          ends the call, the program stays (second line)
//         end of input                   ends the call and the program
//   out   {"type":"answer","sdp":"..."}  parley's description with all its candidates
//         {"event":"connection","state":"connected"}
//         {"event":"stats","at":3.0,"stats":[...]}   each second, webrtc-stats objects
//         {"event":"channel","state":"open","label":"...","id":1}   data channels, whose messages
//                                        come back on the same channel; later "closed", "reason"
//         {"event":"error","text":"..."}
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "parley/io/runtime.hpp"
#include "parley/peer_connection.hpp"

namespace {

using namespace parley;
using nlohmann::json;

struct Options {
  bool offer = false;   ///< parley makes the offer
  bool decode = false;  ///< decode what comes and send media of our own, instead of echoing
  bool data = false;    ///< open a data channel and offer no media, unless media is asked for
  bool media = false;   ///< with `data`: media too
  bool log = false;
  int width = 640;
  int height = 360;
};

void say(const json& line) { std::cout << line.dump() << '\n' << std::flush; }

/// A bright square that wanders over a gradient.
std::shared_ptr<const I420Buffer> moving_picture(int number, int width, int height) {
  auto picture = std::make_shared<I420Buffer>(width, height);
  const int centre_x = 20 + number * 3 % (width - 40);
  const int centre_y = height / 2;
  for (int y = 0; y < height; ++y) {
    auto row = picture->y().row(y);
    for (int x = 0; x < width; ++x) {
      const bool inside = std::abs(x - centre_x) < 20 && std::abs(y - centre_y) < 20;
      row[static_cast<std::size_t>(x)] =
          static_cast<std::uint8_t>(inside ? 230 : 16 + (x + y + number) / 4 % 160);
    }
  }
  for (auto plane : {picture->u(), picture->v()}) {
    for (int y = 0; y < plane.height; ++y) {
      for (auto& sample : plane.row(y)) sample = static_cast<std::uint8_t>(90 + number % 60);
    }
  }
  return picture;
}

/// One call. All members are used on the driver's sequence.
class Peer {
 public:
  Peer(Driver& driver, Options options) : driver_(driver), options_(options) {}

  bool start(LogSink* log) {
    Configuration config;
    config.network.include_loopback = true;
    config.log = log;
    auto made = PeerConnection::create(driver_, config);
    if (!made) return fail("create", made.error());
    pc_ = std::move(*made);
    started_ = driver_.now();
    pc_->on_connection_state_change([this](ConnectionState state) {
      json line{{"event", "connection"}, {"state", to_string(state)}};
      if (state == ConnectionState::failed) line["reason"] = pc_->failure_reason();
      say(line);
      if (state == ConnectionState::connected) ask_for_key_frames();
    });
    pc_->on_ice_gathering_state_change([this](IceGatheringState state) {
      if (state == IceGatheringState::complete) describe();
    });
    pc_->on_data_channel([this](DataChannel channel) { echo(std::move(channel)); });
    if (options_.data) {
      auto channel = pc_->create_data_channel("parley");
      if (!channel) return fail("create_data_channel", channel.error());
      echo(*channel);
    }
    if (options_.offer) {
      for (const MediaKind kind : {MediaKind::audio, MediaKind::video}) {
        if (options_.data && !options_.media) break;
        auto transceiver = pc_->add_transceiver(kind);
        if (!transceiver) return fail("add_transceiver", transceiver.error());
        adopt(*transceiver);
      }
      const auto offer = pc_->set_local_description();
      if (!offer) return fail("offer", offer.error());
    }
    report();
    return true;
  }

  void handle_line(const std::string& line) {
    if (!pc_) return;
    if (line == "close") {
      pc_->close();
      closed_ = true;
      return;
    }
    const json parsed = json::parse(line, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("sdp")) return;
    const bool offered = parsed.value("type", "") == "offer";
    const auto set = pc_->set_remote_description(
        {.type = offered ? SdpType::offer : SdpType::answer, .sdp = parsed.value("sdp", "")});
    if (!set) {
      fail("set_remote_description", set.error());
      return;
    }
    if (!offered) return;
    for (Transceiver& transceiver : pc_->transceivers()) {
      (void)transceiver.set_direction(Direction::sendrecv).has_value();
      adopt(transceiver);
    }
    const auto answer = pc_->set_local_description();
    if (!answer) fail("answer", answer.error());
  }

  void close() { pc_.reset(); }

 private:
  bool fail(const char* what, const Error& error) {
    say({{"event", "error"}, {"text", std::string{what} + ": " + error.to_string()}});
    return false;
  }

  void describe() {
    if (described_) return;
    described_ = true;
    const auto description = pc_->local_description();
    if (!description) return;
    say({{"type", options_.offer ? "offer" : "answer"}, {"sdp", description->sdp}});
  }

  void adopt(Transceiver transceiver) {
    transceivers_.push_back(transceiver);
    if (options_.decode) {
      if (transceiver.kind() == MediaKind::video) {
        transceiver.on_frame([this](const VideoFrame&) { ++pictures_shown_; });
        show(transceiver, 0);
      } else {
        speak(transceiver, driver_.now());
      }
      return;
    }
    if (transceiver.kind() == MediaKind::video) {
      transceiver.on_encoded_frame([this, transceiver](const EncodedVideo& frame) mutable {
        EncodedVideo copy = frame;
        copy.capture_time = driver_.now();
        (void)transceiver.send_encoded(copy).has_value();
      });
      transceiver.on_key_frame_request(
          [transceiver]() mutable { (void)transceiver.request_key_frame().has_value(); });
    } else {
      transceiver.on_encoded_audio(
          [transceiver, next = std::optional<std::uint32_t>{}](const EncodedAudio& packet,
                                                               std::uint32_t timestamp) mutable {
            // Silence that the peer did not send stays silence in the echo.
            const std::uint32_t gap = next ? timestamp - *next : 0;
            next = timestamp + static_cast<std::uint32_t>(packet.samples_per_channel);
            (void)transceiver.send_encoded(packet, gap < 48'000 * 60 ? gap : 0).has_value();
          });
    }
  }

  /// Sends each message back as it came; what finds no room waits for it.
  void echo(DataChannel channel) {
    auto waiting = std::make_shared<std::deque<DataMessage>>();
    const auto told = [channel](const char* state, std::string_view reason) {
      json line{{"event", "channel"}, {"state", state}, {"label", channel.label()}};
      if (channel.id()) line["id"] = *channel.id();
      if (!reason.empty()) line["reason"] = reason;
      say(line);
    };
    auto flush = [channel, waiting]() mutable {
      while (!waiting->empty()) {
        DataMessage& message = waiting->front();
        const auto sent = message.is_text() ? channel.send(message.text())
                                            : channel.send(std::move(message.data));
        if (!sent && sent.error().code == Errc::queue_full) return;
        waiting->pop_front();
      }
    };
    channel.on_message([waiting, flush](DataMessage& message) mutable {
      waiting->push_back(std::move(message));
      flush();
    });
    channel.on_writable(flush);
    channel.on_open([told] { told("open", {}); });
    channel.on_close([told](std::string_view reason) { told("closed", reason); });
    if (channel.state() == DataChannelState::open) told("open", {});
  }

  void ask_for_key_frames() {
    for (Transceiver& transceiver : transceivers_) {
      if (transceiver.kind() == MediaKind::video) (void)transceiver.request_key_frame().has_value();
    }
  }

  void show(Transceiver transceiver, int number) {
    if (!pc_ || closed_) return;
    const bool sent =
        transceiver
            .send(VideoFrame{.picture = moving_picture(number, options_.width, options_.height),
                             .capture_time = driver_.now()})
            .has_value();
    driver_.post_at(driver_.now() + 33ms, [this, transceiver, number, sent] {
      show(transceiver, sent ? number + 1 : number);
    });
  }

  /// Speaks and listens, 10 ms each.
  void speak(Transceiver transceiver, Timestamp due) {
    if (!pc_ || closed_) return;
    std::array<std::int16_t, kSamplesPer10Ms> pcm;
    for (auto& sample : pcm) {
      sample = static_cast<std::int16_t>(8000 * std::sin(phase_));
      phase_ += 2 * 3.14159265358979 * 440 / kAudioSampleRate;
    }
    (void)transceiver.send(pcm).has_value();
    AudioBlock block;
    const PlayoutOutcome outcome = transceiver.read(block);
    if (outcome == PlayoutOutcome::normal) ++blocks_heard_;
    for (const std::int16_t sample : block.samples()) {
      loudest_ = std::max(loudest_, std::abs(static_cast<int>(sample)));
    }
    driver_.post_at(due + 10ms, [this, transceiver, due] { speak(transceiver, due + 10ms); });
  }

  void report() {
    if (!pc_ || closed_) return;
    const StatsReport stats = pc_->get_stats();
    say({{"event", "stats"},
         {"at", to_seconds(driver_.now() - started_)},
         {"picturesShown", pictures_shown_},
         {"blocksHeard", blocks_heard_},
         {"loudest", loudest_},
         {"stats", json::parse(stats.to_json(), nullptr, false)}});
    driver_.post_at(driver_.now() + 1s, [this] { report(); });
  }

  Driver& driver_;
  Options options_;
  std::unique_ptr<PeerConnection> pc_;
  std::vector<Transceiver> transceivers_;
  Timestamp started_{};
  bool described_ = false;
  bool closed_ = false;
  std::uint64_t pictures_shown_ = 0;
  std::uint64_t blocks_heard_ = 0;
  int loudest_ = 0;
  double phase_ = 0;
};

struct StderrLog final : LogSink {
  bool wants(Severity) const override { return true; }
  void write(Severity, std::string_view module, std::string_view line) override {
    std::cerr << module << ": " << line << '\n';
  }
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"One end of a call with another WebRTC stack."};
  app.add_flag("--offer", options.offer, "make the offer");
  app.add_flag("--decode", options.decode, "decode, and send generated media, instead of echoing");
  app.add_flag("--data", options.data, "open a data channel, and offer media only with --media");
  app.add_flag("--media", options.media, "with --data: offer media too");
  app.add_flag("--log", options.log, "log to standard error");
  CLI11_PARSE(app, argc, argv);

  StderrLog log;
  io::Runtime runtime;
  std::unique_ptr<Peer> peer;
  const bool started = runtime.run_sync([&] {
    peer = std::make_unique<Peer>(runtime.driver(), options);
    return peer->start(options.log ? &log : nullptr);
  });
  std::string line;
  while (started && std::getline(std::cin, line)) {
    runtime.post([&peer, line] { peer->handle_line(line); });
  }
  runtime.run_sync([&] { peer->close(); });
  runtime.stop();
  return started ? 0 : 1;
}
