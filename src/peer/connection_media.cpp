// Transceivers of a connection: media of the application in and out, and the statistics of codecs.
#include <algorithm>
#include <set>
#include <utility>

#include "peer/connection.hpp"

namespace parley::peer {

Transceiver Connection::handle_of(const jsep::Transceiver& transceiver) {
  return Transceiver{weak_from_this(), transceiver.id.value(), transceiver.kind};
}

namespace {

/// W3C webrtc-pc section 5.1, addTransceiver.
Result<void> check_encodings(MediaKind kind, const std::vector<SendEncoding>& encodings) {
  const auto fail = [](const char* why) { return Error{Errc::invalid_argument, why}; };
  if (kind == MediaKind::audio && encodings.size() > 1) return fail("simulcast of audio");
  std::set<std::string> rids;
  for (const SendEncoding& e : encodings) {
    const double scale = e.scale_resolution_down_by;
    if (scale != 0 && !(scale >= 1)) return fail("scale_resolution_down_by below 1");
    if (encodings.size() > 1 && !jsep::is_rid(Rid{e.rid})) {
      return fail("rid that is not 1 to 16 letters and digits");
    }
    if (!rids.insert(e.rid).second) return fail("rid twice");
  }
  return {};
}

/// Restrictions of the peer come on top of the application's scale (RFC 8851 section 5).
double scale_for(const SendLayer& layer, const I420Buffer& picture) {
  double scale = layer.scale_resolution_down_by;
  const sdp::RidRestrictions& r = layer.restrictions;
  if (r.max_width) scale = std::max(scale, static_cast<double>(picture.width()) / *r.max_width);
  if (r.max_height) scale = std::max(scale, static_cast<double>(picture.height()) / *r.max_height);
  return scale;
}

}  // namespace

Result<Transceiver> Connection::add_transceiver(MediaKind kind, const TransceiverInit& init) {
  if (closed_) return Error{Errc::closed, "connection"};
  jsep::TransceiverInit wish{.direction = init.direction, .track_id = init.track_id};
  if (!init.stream_id.empty()) wish.stream_ids.push_back(init.stream_id);
  if (auto checked = check_encodings(kind, init.send_encodings); !checked) return checked.error();
  if (init.send_encodings.size() > 1) {
    for (const SendEncoding& e : init.send_encodings) wish.send_rids.emplace_back(e.rid);
  }
  for (const std::string& rid : init.receive_rids) wish.receive_rids.emplace_back(rid);
  const TransceiverId id = session_->add_transceiver(kind, std::move(wish));
  if (!init.send_encodings.empty()) {
    media_[id.value()].encodings = init.send_encodings;
    session_->set_encodings(driver_.now(), id, init.send_encodings);
  }
  if (!init.codecs.empty()) {
    if (auto set = session_->set_codec_preferences(id, init.codecs); !set) {
      (void)session_->stop(driver_.now(), id).has_value();
      return set.error();
    }
  }
  wake();
  return handle_of(*session_->negotiation().find(id));
}

std::vector<Transceiver> Connection::transceivers() {
  std::vector<Transceiver> handles;
  for (const auto& transceiver : session_->negotiation().transceivers) {
    if (!transceiver.stopped) handles.push_back(handle_of(transceiver));
  }
  return handles;
}

const jsep::Transceiver* Connection::find(int id) const {
  return session_->negotiation().find(TransceiverId{id});
}

Result<void> Connection::check_open(int id) const {
  if (closed_) return Error{Errc::closed, "connection"};
  if (find(id) == nullptr) return Error{Errc::closed, "the transceiver has stopped"};
  return {};
}

TransceiverMedia* Connection::find_media(TransceiverId id) {
  const auto found = media_.find(id.value());
  return found != media_.end() ? &found->second : nullptr;
}

Result<void> Connection::set_direction(int id, Direction direction) {
  if (auto open = check_open(id); !open) return open.error();
  auto set = session_->set_direction(TransceiverId{id}, direction);
  wake();
  return set;
}

Result<void> Connection::stop(int id) {
  if (auto open = check_open(id); !open) return open.error();
  auto stopped = session_->stop(driver_.now(), TransceiverId{id});
  wake();
  return stopped;
}

Result<void> Connection::set_codec_preferences(int id, const std::vector<std::string>& codecs) {
  if (auto open = check_open(id); !open) return open.error();
  auto set = session_->set_codec_preferences(TransceiverId{id}, codecs);
  wake();
  return set;
}

// --- Sending ---

// Raw media is coded by parley itself, which the peer must have agreed to.
Result<void> Connection::check_raw(int id, const MediaCodec& codec) const {
  const jsep::Transceiver* transceiver = find(id);
  if (transceiver == nullptr || !transceiver->negotiated) return {};
  const auto& codecs = transceiver->negotiated->send;
  const bool has = std::any_of(codecs.begin(), codecs.end(),
                               [&](const auto& c) { return c.name == codec.name; });
  if (has || codecs.empty()) return {};
  return Error{Errc::unsupported, "raw media is sent as " + codec.name + "; " +
                                      codecs.front().name +
                                      " was negotiated, which takes encoded frames only"};
}

Result<std::uint32_t> Connection::send(int id, const VideoFrame& frame) {
  if (auto open = check_open(id); !open) return open.error();
  if (!frame.picture) return Error{Errc::invalid_argument, "no picture"};
  if (!session_->can_send(TransceiverId{id})) {
    return Error{Errc::invalid_state, "not connected, or not negotiated to send"};
  }
  if (auto able = check_raw(id, *raw_video_codec_); !able) return able.error();
  TransceiverMedia& media = media_[id];
  if (frame.capture_time <= media.last_capture) {
    return Error{Errc::invalid_argument, "capture_time does not grow"};
  }
  const auto timestamp = session_->rtp_timestamp(TransceiverId{id}, frame.capture_time);
  if (!timestamp) return timestamp;
  media.last_capture = frame.capture_time;
  for (const SendLayer& layer : session_->send_layers(TransceiverId{id})) {
    if (layer.target_rate > DataRate{}) encode_layer(id, frame, layer);
  }
  return timestamp;
}

void Connection::encode_layer(int id, const VideoFrame& frame, const SendLayer& layer) {
  auto& encoding = media_[id].video_encodings[layer.rid];
  if (!encoding) encoding = std::make_unique<VideoEncoding>(driver_, config_.video);
  if (!encoding->admits(frame.capture_time, layer.restrictions.max_fps)) return;
  encoding->set_rate(layer.target_rate);
  const double scale = scale_for(layer, *frame.picture);
  encoding->encode(frame, scale, [weak = weak_from_this(), id, rid = layer.rid](EncodedVideo out) {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    const bool key_frame = out.key_frame;
    out.rid = rid;
    out.codec = self->raw_video_codec_;
    const auto sent = self->session_->send(self->driver_.now(), TransceiverId{id}, std::move(out));
    // A frame that was not queued is missing for those after it: begin again with a key frame.
    TransceiverMedia* const media = self->find_media(TransceiverId{id});
    if (!sent && !key_frame && media != nullptr) {
      const auto known = media->video_encodings.find(rid);
      if (known != media->video_encodings.end()) known->second->request_key_frame();
    }
    self->wake();
  });
}

Result<std::uint32_t> Connection::send(int id, std::span<const std::int16_t> pcm) {
  if (auto open = check_open(id); !open) return open.error();
  if (!session_->can_send(TransceiverId{id})) {
    return Error{Errc::invalid_state, "not connected, or not negotiated to send"};
  }
  if (pcm.size() % static_cast<std::size_t>(config_.audio.channels) != 0) {
    return Error{Errc::invalid_argument, "PCM is not a whole number of frames"};
  }
  if (auto able = check_raw(id, *raw_audio_codec_); !able) return able.error();
  TransceiverMedia& media = media_[id];
  if (!media.audio_encoding) {
    media.audio_encoding = std::make_unique<AudioEncoding>(driver_, config_.audio);
    media.audio_encoding->set_expected_loss(expected_loss_);
  }
  const auto timestamp =
      session_->rtp_timestamp(TransceiverId{id}, media.audio_encoding->position());
  if (!timestamp) return timestamp;
  if (!session_->is_sending(TransceiverId{id})) {
    media.audio_encoding->skip(pcm.size());
    return timestamp;
  }
  media.audio_encoding->push(pcm, [weak = weak_from_this(), id](AudioEncoding::Packet packet) {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    // A path that is gone for a moment loses sound; nothing else can be done about it here.
    packet.audio.codec = self->raw_audio_codec_;
    (void)self->session_
        ->send(self->driver_.now(), TransceiverId{id}, std::move(packet.audio), packet.media_ticks,
               packet.capture_time, packet.begins_talk)
        .has_value();
    self->wake();
  });
  return timestamp;
}

Result<std::uint32_t> Connection::send_encoded(int id, const EncodedVideo& frame) {
  if (auto open = check_open(id); !open) return open.error();
  auto sent = session_->send(driver_.now(), TransceiverId{id}, frame);
  wake();
  return sent;
}

Result<std::uint32_t> Connection::send_encoded(int id, const EncodedAudio& packet,
                                               std::uint32_t gap) {
  if (auto open = check_open(id); !open) return open.error();
  TransceiverMedia& media = media_[id];
  const Timestamp now = driver_.now();
  const std::uint32_t ticks = media.encoded_audio_ticks + gap;
  auto sent = session_->send(now, TransceiverId{id}, packet, ticks, now, gap > 0);
  if (sent) {
    media.encoded_audio_ticks = ticks + static_cast<std::uint32_t>(packet.samples_per_channel);
  }
  wake();
  return sent;
}

Result<void> Connection::set_encodings(int id, std::vector<SendEncoding> encodings) {
  if (auto open = check_open(id); !open) return open.error();
  if (auto checked = check_encodings(find(id)->kind, encodings); !checked) return checked;
  media_[id].encodings = encodings;
  session_->set_encodings(driver_.now(), TransceiverId{id}, std::move(encodings));
  wake();
  return {};
}

Result<void> Connection::set_active(int id, bool active) {
  if (auto open = check_open(id); !open) return open.error();
  std::vector<SendEncoding> encodings = media_[id].encodings;
  if (encodings.empty()) encodings.emplace_back();
  for (SendEncoding& encoding : encodings) encoding.active = active;
  return set_encodings(id, std::move(encodings));
}

std::vector<SendLayer> Connection::send_layers(int id) const {
  return closed_ ? std::vector<SendLayer>{} : session_->send_layers(TransceiverId{id});
}

// --- Receiving ---

LayerChoice::Verdict LayerChoice::judge(Timestamp now, const EncodedVideo& frame) {
  const int area = frame.width * frame.height;
  if (frame.rid != rid_) {
    const bool silent = last_ == Timestamp::min() || now - last_ > kPatience;
    // Encoders begin a larger stream with a key frame, but have no reason to interrupt a smaller
    // one.
    if (!frame.key_frame) return silent ? Verdict::want_key_frame : Verdict::leave;
    if (!silent && area <= area_) return Verdict::leave;
    rid_ = frame.rid;
  }
  if (frame.key_frame) area_ = area;
  last_ = now;
  return Verdict::show;
}

void Connection::dispatch(event::VideoReceived event) {
  const int id = event.transceiver.value();
  TransceiverMedia* const found = find_media(event.transceiver);
  if (found == nullptr) return;
  TransceiverMedia& media = *found;
  if (const auto handler = media.on_encoded_frame) handler(event.frame);
  // A decoder that refuses what it does not know would also stop the encoded frames.
  const bool decodable = event.frame.codec == nullptr || event.frame.codec->name == "VP8";
  if (!media.on_frame || !decodable) return;
  const auto verdict = media.shown_layer.judge(driver_.now(), event.frame);
  if (verdict == LayerChoice::Verdict::want_key_frame)
    (void)request_key_frame(id, event.frame.rid).has_value();
  if (verdict != LayerChoice::Verdict::show) return;
  if (!media.video_decoding) media.video_decoding = std::make_unique<VideoDecoding>(driver_);
  media.video_decoding->decode(
      std::move(event.frame), event.render_at,
      [weak = weak_from_this(), id, rid = event.frame.rid](VideoDecoding::Refused refused) {
        const auto self = weak.lock();
        if (!self || self->closed_) return;
        if (refused == VideoDecoding::Refused::yes) {
          self->session_->handle_decoder_error(self->driver_.now(), TransceiverId{id}, rid);
        }
        self->wake();
      });
}

PlayoutOutcome Connection::read(int id, AudioBlock& block) {
  if (closed_) {
    block = AudioBlock{.channels = config_.audio.channels};
    return PlayoutOutcome::silence;
  }
  switch (session_->read_audio(driver_.now(), TransceiverId{id}, block)) {
    case jitter::Outcome::normal:
      return PlayoutOutcome::normal;
    case jitter::Outcome::fec:
      return PlayoutOutcome::recovered;
    case jitter::Outcome::conceal:
      return PlayoutOutcome::concealed;
    case jitter::Outcome::not_started:
    case jitter::Outcome::silence:
      break;
  }
  return PlayoutOutcome::silence;
}

Result<void> Connection::request_key_frame(int id, std::string_view rid) {
  if (auto open = check_open(id); !open) return open.error();
  auto requested = session_->request_key_frame(driver_.now(), TransceiverId{id}, rid);
  wake();
  return requested;
}

Result<void> Connection::make_key_frame(int id, std::string_view rid) {
  if (auto open = check_open(id); !open) return open.error();
  const TransceiverMedia& media = media_[id];
  for (const auto& [name, encoding] : media.video_encodings) {
    if (rid.empty() || name == rid) encoding->request_key_frame();
  }
  // A copy: it may replace itself.
  if (const auto handler = media.on_key_frame_request) handler(std::string{rid});
  return {};
}

void Connection::set_frame_handler(int id, std::function<void(const VideoFrame&)> handler) {
  if (!check_open(id)) return;
  const bool late = !media_[id].on_frame && handler;
  media_[id].on_frame = std::move(handler);
  // Frames that passed before there was a handler were not decoded: their successors need a key
  // frame. Before anything was received there is nobody to ask.
  if (late) (void)request_key_frame(id).has_value();
}

void Connection::set_encoded_frame_handler(int id,
                                           std::function<void(const EncodedVideo&)> handler) {
  if (check_open(id)) media_[id].on_encoded_frame = std::move(handler);
}

void Connection::set_encoded_audio_handler(
    int id, std::function<void(const EncodedAudio&, std::uint32_t)> handler) {
  if (!check_open(id)) return;
  session_->set_encoded_audio(TransceiverId{id}, static_cast<bool>(handler));
  media_[id].on_encoded_audio = std::move(handler);
}

void Connection::set_key_frame_request_handler(int id,
                                               std::function<void(const std::string&)> handler) {
  if (check_open(id)) media_[id].on_key_frame_request = std::move(handler);
}

void Connection::set_bitrate_limits(DataRate min, DataRate max) {
  if (closed_) return;
  session_->set_bitrate_limits(driver_.now(), min, max);
  wake();
}

// --- Statistics ---

StatsReport Connection::get_stats() const {
  StatsReport report;
  report.at = driver_.now();
  const NtpTime ntp = ntp_.to_ntp(report.at);
  constexpr double kNtpToUnix = 2'208'988'800.0;
  report.unix_ms = (ntp.seconds() - kNtpToUnix + ntp.fraction() / 4294967296.0) * 1000.0;
  session_->add_stats(report);
  add_codec_stats(report);
  return report;
}

// The session knows packets and frames; what pictures became of them is known here.
void Connection::add_codec_stats(StatsReport& report) const {
  for (StatsObject& object : report.objects) {
    const auto number = object.number("transceiverId");
    if (!number) continue;
    const auto found = media_.find(static_cast<int>(*number));
    if (found == media_.end()) continue;
    const TransceiverMedia& media = found->second;
    const std::string_view rid = object.text("rid").value_or("");
    const auto encoding = media.video_encodings.find(rid);
    if (object.type() == "outbound-rtp" && encoding != media.video_encodings.end()) {
      const EncodingStats& stats = encoding->second->stats();
      object.set("framesEncoded", stats.frames_encoded)
          .set("keyFramesEncoded", stats.key_frames_encoded)
          .set("frameWidth", stats.width)
          .set("frameHeight", stats.height)
          .set("encoderImplementation", "libvpx");
    } else if (object.type() == "inbound-rtp" && media.video_decoding &&
               media.shown_layer.rid() == rid) {
      const VideoPlayback& playback = media.video_decoding->playback();
      object.set("framesDecoded", playback.frames_decoded())
          .set("keyFramesDecoded", playback.key_frames_decoded())
          .set("framesRendered", playback.frames_decoded())
          .set("frameWidth", playback.width())
          .set("frameHeight", playback.height())
          .set("framesPerSecond", playback.frames_per_second())
          .set("freezeCount", playback.freeze_count())
          .set_seconds("totalFreezesDuration", playback.total_freezes_duration())
          .set("totalInterFrameDelay", playback.total_inter_frame_delay())
          .set("totalSquaredInterFrameDelay", playback.total_squared_inter_frame_delay())
          .set("decoderImplementation", "libvpx");
    }
  }
}

}  // namespace parley::peer
