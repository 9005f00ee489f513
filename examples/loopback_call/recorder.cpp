#include "loopback_call/recorder.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace loopback_call {
namespace {

using parley::I420Buffer;
using parley::Result;
using parley::Timestamp;
using PicturePtr = std::shared_ptr<const I420Buffer>;

constexpr std::size_t kSentSeconds = 3;
constexpr int kMostPending = 64;
/// Where in the call pictures are kept for the report.
constexpr std::array kSnapshotPlaces{0.25, 0.85};

bool same_size(const I420Buffer& a, const I420Buffer& b) {
  return a.width() == b.width() && a.height() == b.height();
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::create(parley::Driver& driver,
                                                   const SpeechSource& speech,
                                                   RecorderConfig config) {
  auto wav = WavWriter::create(config.wav, 1);
  if (!wav) return wav.error();
  auto y4m = Y4mWriter::create(config.y4m, config.format);
  if (!y4m) return y4m.error();
  return std::unique_ptr<Recorder>(new Recorder(driver, speech, std::move(config),
                                                std::move(wav).value(), std::move(y4m).value()));
}

Recorder::Recorder(parley::Driver& driver, const SpeechSource& speech, RecorderConfig config,
                   WavWriter wav, Y4mWriter y4m)
    : driver_(driver),
      config_(std::move(config)),
      wav_(std::move(wav)),
      y4m_(std::move(y4m)),
      speech_(speech, config_.first_sample, config_.longest_delay) {}

void Recorder::offload(std::function<void()> work, std::function<void()> done) {
  ++pending_;
  driver_.offload(this, std::move(work), [this, done = std::move(done)] {
    --pending_;
    done();
  });
}

void Recorder::handle_sent(std::uint32_t rtp_timestamp, PicturePtr picture) {
  sent_.push_back({rtp_timestamp, std::move(picture)});
  const auto most = static_cast<std::size_t>(config_.format.rate.per_second() * kSentSeconds) + 1;
  if (sent_.size() > most) sent_.pop_front();
}

PicturePtr Recorder::find_sent(std::uint32_t rtp_timestamp) const {
  const auto found = std::find_if(sent_.begin(), sent_.end(), [rtp_timestamp](const Sent& s) {
    return s.rtp_timestamp == rtp_timestamp;
  });
  return found == sent_.end() ? nullptr : found->picture;
}

void Recorder::handle_frame(const parley::VideoFrame& frame, Timestamp now) {
  if (!first_frame_) first_frame_ = now;
  ++frames_;
  freezes_.handle_frame(now);
  if (pending_ >= kMostPending) {
    ++skipped_;
    return;
  }
  Snapshot pair{parley::to_seconds(now - start_), 0, find_sent(frame.rtp_timestamp), frame.picture};
  if (pair.sent && !same_size(*pair.sent, *pair.received)) pair.sent = nullptr;
  if (!pair.sent) ++unmatched_;
  const bool fits = frame.picture->width() == config_.format.width &&
                    frame.picture->height() == config_.format.height;
  auto psnr = std::make_shared<double>();
  offload(
      [this, pair, fits, psnr] {
        if (fits) y4m_.write(*pair.received);
        if (pair.sent) *psnr = luma_psnr(*pair.sent, *pair.received);
      },
      [this, pair, psnr] {
        if (pair.sent) handle_compared({pair.at_s, *psnr}, pair);
      });
}

void Recorder::handle_compared(ShownFrame shown, Snapshot pair) {
  shown_.push_back(shown);
  if (snapshots_.size() == kSnapshotPlaces.size()) return;
  if (pair.at_s >= kSnapshotPlaces[snapshots_.size()] * parley::to_seconds(config_.length)) {
    pair.psnr_db = shown.psnr_db;
    snapshots_.push_back(std::move(pair));
  }
}

void Recorder::handle_audio(const parley::AudioBlock& block) {
  const auto samples = block.samples();
  for (std::size_t i = 0; i < samples.size(); i += static_cast<std::size_t>(block.channels))
    piece_.push_back(samples[i]);
  if (piece_.size() < SpeechMeter::kPieceSamples) return;
  offload(
      [this, piece = std::exchange(piece_, {})] {
        wav_.write(piece);
        speech_.handle_piece(piece);
      },
      [] {});
}

Result<void> Recorder::finish(Timestamp end) {
  if (frames_ > 0) freezes_.finish(end);
  wav_.write(piece_);
  const auto wav = wav_.finish();
  const auto y4m = y4m_.finish();
  return wav ? y4m : wav;
}

std::optional<double> Recorder::mean_psnr_db() const {
  if (shown_.empty()) return std::nullopt;
  double sum = 0;
  for (const ShownFrame& f : shown_) sum += f.psnr_db;
  return sum / static_cast<double>(shown_.size());
}

std::optional<double> Recorder::least_psnr_db() const {
  if (shown_.empty()) return std::nullopt;
  return std::min_element(shown_.begin(), shown_.end(),
                          [](const auto& a, const auto& b) { return a.psnr_db < b.psnr_db; })
      ->psnr_db;
}

}  // namespace loopback_call
