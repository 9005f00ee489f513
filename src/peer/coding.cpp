#include "peer/coding.hpp"

#include <algorithm>
#include <cmath>

#include "parley/codec/opus.hpp"
#include "parley/codec/vp8.hpp"
#include "peer/scaling.hpp"

namespace parley::peer {

std::uint8_t audio_level(std::span<const std::int16_t> pcm) {
  double energy = 0;
  for (const std::int16_t sample : pcm) energy += static_cast<double>(sample) * sample;
  if (pcm.empty() || energy == 0) return 127;
  const double rms = std::sqrt(energy / static_cast<double>(pcm.size())) / 32768.0;
  return static_cast<std::uint8_t>(std::clamp(-20.0 * std::log10(rms), 0.0, 127.0));
}

// --- Video ---

VideoEncoding::VideoEncoding(Driver& driver, const VideoConfig& config)
    : driver_(driver), config_(config), rate_(config.start_bitrate) {}

void VideoEncoding::encode(const VideoFrame& frame, double scale, Done done) {
  if (shared_->pending >= kMaxPending) {
    ++shared_->stats.frames_skipped;
    return;
  }
  ++shared_->pending;
  // What the job makes crosses by value through this, from the lane back to the sequence.
  struct Output {
    std::optional<EncodedVideo> frame;
    bool failed = false;
    int width = 0;
    int height = 0;
  };
  auto output = std::make_shared<Output>();
  const VideoEncoder::Options options{.key_frame = std::exchange(key_frame_wanted_, false)};
  auto work = [shared = shared_, output, frame = VideoFrame{frame}, scale, options, rate = rate_,
               config = config_]() mutable {
    if (!shared->encoder) {
      auto made = codec::Vp8Encoder::create(
          {.rate = rate, .frames_per_second = config.max_frame_rate, .speed = config.speed});
      if (!made) {
        output->failed = true;
        return;
      }
      shared->encoder = std::move(*made);
      shared->encoder_rate = rate;
    }
    if (shared->encoder_rate != rate) {
      shared->encoder->set_rate(rate, config.max_frame_rate);
      shared->encoder_rate = rate;
    }
    frame.picture = scaled_down(std::move(frame.picture), scale);
    output->width = frame.picture->width();
    output->height = frame.picture->height();
    auto encoded = shared->encoder->encode(frame, options);
    output->failed = !encoded.has_value();
    if (encoded) output->frame = std::move(*encoded);
  };
  auto finish = [shared = shared_, output, done = std::move(done)] {
    --shared->pending;
    EncodingStats& stats = shared->stats;
    if (output->failed) ++stats.errors;
    if (!output->frame) {
      ++stats.frames_skipped;
      return;
    }
    ++stats.frames_encoded;
    if (output->frame->key_frame) ++stats.key_frames_encoded;
    stats.width = output->width;
    stats.height = output->height;
    done(std::move(*output->frame));
  };
  driver_.offload(shared_.get(), std::move(work), std::move(finish));
}

bool VideoEncoding::admits(Timestamp capture_time, std::optional<int> max_frame_rate) {
  if (!max_frame_rate) return true;
  const Duration interval = Duration{1s} / *max_frame_rate;
  // A tenth of the interval is left to the unevenness of cameras.
  if (capture_time < next_admitted_ - interval / 10) return false;
  next_admitted_ = std::max(next_admitted_, capture_time - interval) + interval;
  return true;
}

VideoDecoding::VideoDecoding(Driver& driver) : driver_(driver) {}

void VideoDecoding::decode(EncodedVideo frame, Timestamp render_at, Done done) {
  if (shared_->pending >= kMaxPending) {
    shared_->playback.on_dropped();
    done(Refused::yes);
    return;
  }
  ++shared_->pending;
  struct Output {
    std::optional<VideoFrame> frame;
    bool refused = false;
  };
  auto output = std::make_shared<Output>();
  const bool key_frame = frame.key_frame;
  auto input = std::make_shared<EncodedVideo>(std::move(frame));
  auto work = [shared = shared_, output, input] {
    if (!shared->decoder) {
      auto made = codec::Vp8Decoder::create();
      if (!made) {
        output->refused = true;
        return;
      }
      shared->decoder = std::move(*made);
    }
    auto decoded = shared->decoder->decode(*input);
    output->refused = !decoded.has_value();
    if (decoded) output->frame = std::move(*decoded);
  };
  auto finish = [shared = shared_, output, render_at, key_frame, done = std::move(done)] {
    --shared->pending;
    if (output->refused) shared->playback.on_dropped();
    if (output->frame) {
      if (key_frame) shared->playback.on_key_frame();
      shared->waiting.push_back({render_at, std::move(*output->frame)});
    }
    done(output->refused ? Refused::yes : Refused::no);
  };
  driver_.offload(shared_.get(), std::move(work), std::move(finish));
}

std::optional<VideoFrame> VideoDecoding::take_due(Timestamp now) {
  auto& waiting = shared_->waiting;
  if (waiting.empty()) return std::nullopt;
  if (waiting.front().at > now && waiting.size() <= kMaxWaiting) return std::nullopt;
  VideoFrame frame = std::move(waiting.front().frame);
  waiting.pop_front();
  shared_->playback.on_shown(now, frame.picture->width(), frame.picture->height());
  return frame;
}

Timestamp VideoDecoding::next_due() const {
  return shared_->waiting.empty() ? kNever : shared_->waiting.front().at;
}

// --- Audio ---

AudioEncoding::AudioEncoding(Driver& driver, const AudioConfig& config)
    : driver_(driver),
      config_(config),
      samples_per_packet_(static_cast<std::size_t>(kAudioSampleRate / 1000 * config.frame_ms)) {}

void AudioEncoding::push(std::span<const std::int16_t> pcm, const Done& done) {
  const std::size_t packet = samples_per_packet_ * static_cast<std::size_t>(config_.channels);
  while (!pcm.empty()) {
    const std::size_t taken = std::min(pcm.size(), packet - partial_.size());
    partial_.insert(partial_.end(), pcm.begin(), pcm.begin() + static_cast<std::ptrdiff_t>(taken));
    pcm = pcm.subspan(taken);
    position_ += static_cast<std::uint32_t>(taken / static_cast<std::size_t>(config_.channels));
    if (partial_.size() < packet) break;
    const std::uint32_t ticks = position_ - static_cast<std::uint32_t>(samples_per_packet_);
    encode(std::exchange(partial_, {}), ticks, done);
  }
}

void AudioEncoding::skip(std::size_t values) {
  position_ += static_cast<std::uint32_t>(values / static_cast<std::size_t>(config_.channels));
  partial_.clear();
  shared_->paused = true;
}

void AudioEncoding::encode(std::vector<std::int16_t> pcm, std::uint32_t ticks, const Done& done) {
  if (shared_->pending >= kMaxPending) {
    ++shared_->stats.frames_skipped;
    return;
  }
  ++shared_->pending;
  const Duration length = 1ms * config_.frame_ms;
  auto packet = std::make_shared<Packet>();
  packet->media_ticks = ticks;
  packet->capture_time = driver_.now() - length;
  packet->audio.samples_per_channel = static_cast<int>(samples_per_packet_);
  packet->audio.audio_level = audio_level(pcm);
  packet->audio.voice_activity = packet->audio.audio_level < 60;  // ours: louder than a quiet room
  auto failed = std::make_shared<bool>(false);
  auto work = [shared = shared_, packet, failed, pcm = std::move(pcm), config = config_,
               loss = expected_loss_] {
    if (!shared->encoder) {
      auto made = codec::OpusEncoder::create({.channels = config.channels,
                                              .frame_milliseconds = config.frame_ms,
                                              .bitrate = config.bitrate,
                                              .complexity = config.complexity,
                                              .fec = config.fec,
                                              .dtx = config.dtx,
                                              .expected_loss = loss});
      if (!made) {
        *failed = true;
        return;
      }
      shared->encoder = std::move(*made);
      shared->encoder_loss = loss;
    }
    if (shared->encoder_loss != loss) {
      shared->encoder->set_expected_loss(loss);
      shared->encoder_loss = loss;
    }
    // RFC 7587 section 4.2: no Opus frame is larger than 1275 bytes, a 60 ms packet has three.
    packet->audio.data.resize(3 * 1275 + 8);
    const auto size = shared->encoder->encode(pcm, packet->audio.data);
    *failed = !size.has_value();
    packet->audio.data.resize(size ? *size : 0);
  };
  auto finish = [shared = shared_, packet, failed, done] {
    --shared->pending;
    if (*failed) ++shared->stats.errors;
    if (packet->audio.data.empty()) {
      shared->paused = true;  // DTX: nothing to send
      return;
    }
    ++shared->stats.frames_encoded;
    packet->begins_talk = std::exchange(shared->paused, false);
    done(std::move(*packet));
  };
  driver_.offload(shared_.get(), std::move(work), std::move(finish));
}

}  // namespace parley::peer
