#include "peer/media_receiver.hpp"

#include <algorithm>

namespace parley::peer {
namespace {

jitter::FrameAssemblerConfig assembler_config(Duration max_wait) {
  jitter::FrameAssemblerConfig config;
  config.max_wait = max_wait;
  // A question and its answer both cross the path: at 5 % loss one in ten exchanges fails, and one
  // more round trip costs less than the key frame that giving up would.
  config.wait_round_trips = 5.0;
  config.min_wait = std::min(config.min_wait, max_wait);
  return config;
}

bool any_feedback(const std::vector<jsep::NegotiatedCodec>& codecs, std::string_view value) {
  return std::any_of(codecs.begin(), codecs.end(),
                     [&](const auto& codec) { return codec.has_feedback(value); });
}

}  // namespace

MediaReceiver::MediaReceiver(Config config) : config_(std::move(config)) {
  if (config_.kind == MediaKind::video)
    assembler_.emplace(assembler_config(config_.max_video_wait));
  share_codecs();
}

void MediaReceiver::set_active(bool active) {
  if (active_ == active) return;
  active_ = active;
  // What comes after the pause does not follow from what came before it.
  restart_buffers();
}

void MediaReceiver::set_codecs(std::vector<jsep::NegotiatedCodec> codecs) {
  if (codecs == config_.codecs) return;
  config_.codecs = std::move(codecs);
  share_codecs();
  payload_type_.reset();  // the next packet looks its codec up anew
  if (stream_) stream_->set_rtx_payload_types(rtx_payload_types());
}

const jsep::NegotiatedCodec* MediaReceiver::codec_of(PayloadType type) const {
  for (const auto& codec : config_.codecs) {
    if (codec.payload_type == type) return &codec;
  }
  return nullptr;
}

void MediaReceiver::share_codecs() {
  shared_codecs_.clear();
  for (const auto& codec : config_.codecs) {
    shared_codecs_.push_back(std::make_shared<const MediaCodec>(codec.media_codec()));
  }
}

std::shared_ptr<const MediaCodec> MediaReceiver::shared_codec(PayloadType type) const {
  for (const auto& codec : shared_codecs_) {
    if (codec->payload_type == type) return codec;
  }
  return nullptr;
}

bool MediaReceiver::knows_payload_type(PayloadType type) const {
  return codec_of(type) != nullptr || is_rtx(type);
}

bool MediaReceiver::is_rtx(PayloadType type) const {
  return std::any_of(config_.codecs.begin(), config_.codecs.end(),
                     [&](const auto& codec) { return codec.rtx_payload_type == type; });
}

bool MediaReceiver::owns(Ssrc ssrc) const {
  if (stream_ && (stream_->ssrc() == ssrc || stream_->rtx_ssrc() == ssrc)) return true;
  return early_rtx_ == ssrc;
}

std::vector<rtp::ReceiveStream::Config::Rtx> MediaReceiver::rtx_payload_types() const {
  std::vector<rtp::ReceiveStream::Config::Rtx> types;
  for (const auto& codec : config_.codecs) {
    if (codec.rtx_payload_type) types.push_back({*codec.rtx_payload_type, codec.payload_type});
  }
  return types;
}

void MediaReceiver::begin_stream(Ssrc ssrc, PayloadType payload_type) {
  rtp::ReceiveStream::Config config{.kind = config_.kind, .ssrc = ssrc};
  const auto* codec_in_use = codec_of(payload_type);
  config.clock_rate = codec_in_use != nullptr            ? codec_in_use->clock_rate
                      : config_.kind == MediaKind::audio ? kAudioSampleRate
                                                         : 90'000;
  config.rtx = rtx_payload_types();
  if (any_feedback(config_.codecs, "nack")) config.nack.emplace();
  config.rtx_ssrc = early_rtx_;
  stream_.emplace(std::move(config));
  stream_->set_rtt(round_trip_time_);
  restart_buffers();
}

void MediaReceiver::restart_buffers() {
  if (assembler_) {
    assembler_->reset();
    parameter_sets_.reset();
    timing_.reset();
    key_frames_.reset();
  }
  if (audio_) audio_->reset();
}

void MediaReceiver::handle_packet(Timestamp now, MutableBytes packet, const rtp::PacketView& view,
                                  const rtp::HeaderExtensions& extensions) {
  if (!active_) return;  // still under way when the direction changed
  if (is_rtx(view.payload_type())) {
    // Retransmissions and probes may come before any media, and bind their SSRC all the same.
    early_rtx_ = view.ssrc();
    if (!stream_) return;
    stream_->set_rtx_ssrc(view.ssrc());
    deliver(now, stream_->handle_retransmission(now, packet), extensions);
    return;
  }
  if (!stream_ || stream_->ssrc() != view.ssrc()) begin_stream(view.ssrc(), view.payload_type());
  deliver(now, stream_->handle_packet(now, view), extensions);
}

void MediaReceiver::deliver(Timestamp now, const rtp::Received& received,
                            const rtp::HeaderExtensions& extensions) {
  if (received.arrival == rtp::Arrival::restart) restart_buffers();
  if (!rtp::is_usable(received.arrival)) return;
  if (config_.kind == MediaKind::video) {
    deliver_video(now, received, extensions);
  } else {
    deliver_audio(now, received, extensions);
  }
}

void MediaReceiver::deliver_video(Timestamp now, const rtp::Received& received,
                                  const rtp::HeaderExtensions& extensions) {
  if (!received.packet) {
    assembler_->note_padding(now, received.sequence);
    drain_frames(now);
    return;
  }
  const rtp::PacketView& packet = *received.packet;
  if (payload_type_ != packet.payload_type()) {
    const auto* codec = codec_of(packet.payload_type());
    depacketizer_ = codec != nullptr ? rtp::make_video_depacketizer(codec->name) : nullptr;
    payload_type_ = packet.payload_type();
  }
  const auto payload = depacketizer_ ? depacketizer_->parse(packet.payload()) : std::nullopt;
  if (!payload) {
    ++malformed_;
    return;
  }
  if (extensions.playout_delay) {
    timing_.set_delay_bounds(extensions.playout_delay->min(), extensions.playout_delay->max());
  }
  jitter::VideoPacket video{.sequence = received.sequence,
                            .rtp_timestamp = packet.timestamp(),
                            .marker = packet.marker(),
                            .payload_type = packet.payload_type(),
                            .retransmitted = received.origin == rtp::Origin::retransmission,
                            .payload = *payload};
  if (extensions.video_orientation) video.rotation = extensions.video_orientation->rotation;
  key_frames_.handle_packet(now);
  assembler_->insert(now, video);
  drain_frames(now);
}

// Tells the codec, and gives IDR pictures of H.264 what decoders need. False when a frame cannot be
// decoded.
bool MediaReceiver::complete_frame(Timestamp now, jitter::AssembledFrame& frame) {
  frame.video.codec = shared_codec(frame.payload_type);
  if (frame.video.codec == nullptr || frame.video.codec->name != "H264") return true;
  if (parameter_sets_.complete(frame.video.data) != rtp::H264ParameterSets::Outcome::undecodable) {
    return true;
  }
  assembler_->handle_decoder_error(now);
  return false;
}

void MediaReceiver::drain_frames(Timestamp now) {
  while (auto frame = assembler_->poll_frame(now)) {
    if (!complete_frame(now, *frame)) continue;
    key_frames_.handle_frame(now, frame->video.key_frame);
    const Timestamp render_at =
        timing_.on_frame(now, frame->video.rtp_timestamp, frame->delayed_by_loss);
    frame->video.rid = config_.rid;
    events_.emplace_back(event::VideoReceived{config_.id, std::move(frame->video), render_at});
  }
  if (const auto needed = assembler_->first_needed(); needed && stream_) {
    stream_->handle_key_frame(*needed);  // what is missing before it will not be waited for
  }
  if (assembler_->take_key_frame_request()) key_frames_.request(now);
  if (stream_ && stream_->take_key_frame_needed()) key_frames_.request(now);
}

void MediaReceiver::deliver_audio(Timestamp now, const rtp::Received& received,
                                  const rtp::HeaderExtensions& extensions) {
  if (!received.packet || received.packet->payload().empty()) return;
  const rtp::PacketView& packet = *received.packet;
  const auto* codec = codec_of(packet.payload_type());
  if (codec == nullptr) {
    ++malformed_;
    return;
  }
  // Tones and comfort noise come beside the codec and do not take its place.
  const bool beside = rtp::audio_payload_samples(codec->name, packet.payload()) == 0;
  if (encoded_audio_) emit_audio(packet, *codec, extensions);
  if (beside || (encoded_audio_ && !is_read_)) return;
  if (!audio_ || payload_type_ != packet.payload_type()) {
    auto decoder = config_.audio_decoder
                       ? config_.audio_decoder(codec->name, config_.playout_channels)
                       : nullptr;
    audio_ = decoder ? std::make_unique<jitter::AudioBuffer>(jitter::AudioBufferConfig{},
                                                             std::move(decoder))
                     : nullptr;
  }
  payload_type_ = packet.payload_type();
  if (!audio_ && !encoded_audio_) emit_audio(packet, *codec, extensions);
  if (!audio_) return;
  audio_->insert(now, {.sequence = received.sequence,
                       .rtp_timestamp = packet.timestamp(),
                       .payload = packet.payload(),
                       .marker = packet.marker()});
}

void MediaReceiver::emit_audio(const rtp::PacketView& packet, const jsep::NegotiatedCodec& codec,
                               const rtp::HeaderExtensions& extensions) {
  // Who forwards the packet needs its duration for the next timestamp.
  const auto samples = rtp::audio_payload_samples(codec.name, packet.payload());
  if (!samples) {
    ++malformed_;
    return;
  }
  EncodedAudio audio;
  audio.data.assign(packet.payload().begin(), packet.payload().end());
  audio.samples_per_channel = *samples;
  audio.codec = shared_codec(codec.payload_type);
  if (extensions.audio_level) {
    audio.voice_activity = extensions.audio_level->voice;
    audio.audio_level = extensions.audio_level->level;
  }
  // Told in ticks of 48 kHz whatever the codec's clock is: the product wraps where the sum does.
  const auto factor = static_cast<std::uint32_t>(kAudioSampleRate / std::max(codec.clock_rate, 1));
  const std::uint32_t timestamp = packet.timestamp() * std::max<std::uint32_t>(factor, 1);
  events_.emplace_back(event::AudioReceived{config_.id, std::move(audio), timestamp});
}

void MediaReceiver::handle_sender_report(Timestamp now, const rtp::rtcp::SenderReport& report) {
  if (stream_) stream_->handle_sender_report(now, report);
}

void MediaReceiver::handle_bye(Ssrc ssrc) {
  if (stream_ && stream_->ssrc() == ssrc) stream_->handle_bye();
}

void MediaReceiver::set_round_trip_time(Duration rtt) {
  round_trip_time_ = rtt;
  if (stream_) stream_->set_rtt(rtt);
  if (assembler_) assembler_->set_round_trip_time(rtt);
  key_frames_.set_rtt(rtt);
}

jitter::Outcome MediaReceiver::read_audio(Timestamp now, AudioBlock& block) {
  is_read_ = true;
  if (audio_) return audio_->read_10ms(now, block);
  block.channels = config_.playout_channels;
  std::fill(block.storage.begin(), block.storage.end(), std::int16_t{0});
  return jitter::Outcome::not_started;
}

void MediaReceiver::handle_decoder_error(Timestamp now) {
  if (!assembler_) return;
  assembler_->handle_decoder_error(now);
  drain_frames(now);
}

void MediaReceiver::request_key_frame(Timestamp now) {
  // Before the first packet there is nobody to ask; the first frame will be a key frame or is asked
  // for then.
  if (active_ && assembler_ && stream_) key_frames_.request(now);
}

void MediaReceiver::handle_timeout(Timestamp now) {
  if (!active_) return;
  if (stream_) stream_->handle_timeout(now);
  if (!assembler_) return;
  assembler_->handle_timeout(now);
  key_frames_.handle_timeout(now);
  drain_frames(now);
}

Timestamp MediaReceiver::next_timeout() const {
  if (!active_) return kNever;
  Timestamp next = stream_ ? stream_->next_timeout() : kNever;
  if (assembler_) {
    next = std::min({next, assembler_->next_timeout(), key_frames_.next_timeout()});
  }
  return next;
}

std::optional<SessionEvent> MediaReceiver::poll_event() {
  if (next_event_ == events_.size()) return std::nullopt;
  SessionEvent event = std::move(events_[next_event_++]);
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
  }
  return event;
}

bool MediaReceiver::feedback_due(Timestamp now) const {
  if (!active_) return false;
  if (stream_ && stream_->nack() != nullptr && stream_->nack()->next_timeout() <= now) return true;
  return assembler_ && stream_ && key_frames_.next_timeout() <= now;
}

std::size_t MediaReceiver::poll_nack(Timestamp now, std::span<std::uint16_t> out) {
  return active_ && stream_ ? stream_->poll_nack(now, out) : 0;
}

std::optional<rtp::KeyFrameRequester::Request> MediaReceiver::poll_key_frame_request(
    Timestamp now) {
  if (!active_ || !assembler_ || !stream_) return std::nullopt;
  return key_frames_.poll(now);
}

void MediaReceiver::build_report_blocks(Timestamp now, std::vector<rtp::rtcp::ReportBlock>& out) {
  if (active_ && stream_) stream_->build_report_blocks(now, out);
}

}  // namespace parley::peer
