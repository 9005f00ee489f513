#include "echo_server/publishing.hpp"

#include <algorithm>

#include "echo_server/codec_of.hpp"

namespace echo_server {
namespace {

using namespace parley;
using namespace std::chrono_literals;

Result<sdp::Description> remote_offer(const PeerConnection& connection) {
  const auto description = connection.remote_description();
  if (!description) return Error{Errc::invalid_state, "no offer"};
  return sdp::Description::parse(description->sdp);
}

/// RFC 9725 section 4.4.2 and 4.2, and the same for WHEP: one track of a kind, one way.
Result<void> check_sections(const sdp::Description& offer, bool peer_sends) {
  int audio = 0;
  int video = 0;
  for (const sdp::Media& media : offer.media) {
    const auto kind = media.media_kind();
    if (!kind || media.is_rejected()) continue;
    if (++(*kind == MediaKind::audio ? audio : video) > 1)
      return Error{Errc::incompatible, "more than one track of a kind"};
    const Direction direction = offer.direction_of(media);
    if (peer_sends ? !sdp::sends(direction) : !sdp::receives(direction))
      return Error{Errc::incompatible, std::string(peer_sends ? "a publisher" : "a viewer") +
                                           " cannot offer " + std::string(to_string(direction))};
  }
  if (audio + video == 0) return Error{Errc::incompatible, "neither audio nor video is offered"};
  return {};
}

}  // namespace

Result<void> PublisherPeer::prepare() {
  if (publishing_) return {};
  const auto offer = remote_offer(connection());
  if (!offer) return offer.error();
  if (auto fits = check_sections(*offer, true); !fits) return fits;
  Content content;
  for (Transceiver& transceiver : connection().transceivers()) {
    auto codec = adopt(transceiver, *offer);
    if (!codec) return codec.error();
    (transceiver.kind() == MediaKind::video ? content.video_codec : content.audio_codec) = *codec;
  }
  const bool began = stream_->begin(std::move(content), [this] {
    if (video_) (void)video_->request_key_frame(layers_.current()).has_value();
  });
  if (!began) return Error{Errc::invalid_state, "somebody else publishes this stream"};
  publishing_ = true;
  return {};
}

Result<std::string> PublisherPeer::adopt(Transceiver transceiver, const sdp::Description& offer) {
  if (auto set = transceiver.set_direction(Direction::recvonly); !set) return set.error();
  const auto codecs = codecs_in(offer, transceiver.kind());
  if (transceiver.kind() == MediaKind::audio) {
    if (std::find(codecs.begin(), codecs.end(), "OPUS") == codecs.end())
      return Error{Errc::incompatible, "audio without Opus"};
    if (auto set = transceiver.set_codec_preferences({"opus"}); !set) return set.error();
    transceiver.on_encoded_audio([this, transceiver](const EncodedAudio& packet, std::uint32_t at) {
      if (recorder() != nullptr) recorder()->handle(transceiver.mid(), packet, at);
      if (publishing_) stream_->publish(packet, at);
    });
    return std::string("OPUS");
  }
  const auto usable = std::find_if(codecs.begin(), codecs.end(), [&](const std::string& codec) {
    return transceiver.set_codec_preferences({codec}).has_value();
  });
  if (usable == codecs.end()) return Error{Errc::incompatible, "no video codec in common"};
  video_ = transceiver;
  transceiver.on_encoded_frame([this, transceiver](const EncodedVideo& frame) {
    if (recorder() != nullptr) recorder()->handle(transceiver.mid(), frame);
    if (publishing_) publish(frame);
  });
  return *usable;
}

void PublisherPeer::publish(const EncodedVideo& frame) {
  const Timestamp now = driver().now();
  switch (layers_.judge(frame, now)) {
    case LayerChoice::Verdict::pass:
      return stream_->publish(frame, now);
    case LayerChoice::Verdict::want_key_frame:
      (void)video_->request_key_frame(frame.rid).has_value();
      return;
    case LayerChoice::Verdict::drop:
      return;
  }
}

void PublisherPeer::handle_connected() {
  if (video_) (void)video_->request_key_frame().has_value();
}

void PublisherPeer::handle_closed() {
  if (std::exchange(publishing_, false)) stream_->end();
}

Result<void> ViewerPeer::prepare() {
  const auto offer = remote_offer(connection());
  if (!offer) return offer.error();
  if (auto fits = check_sections(*offer, false); !fits) return fits;
  const auto& content = stream_->content();
  for (Transceiver& transceiver : connection().transceivers()) {
    const bool is_video = transceiver.kind() == MediaKind::video;
    if (auto set = transceiver.set_direction(Direction::sendonly); !set) return set;
    // One stream with both: players show the stream that `ontrack` brings.
    if (auto set = transceiver.set_streams({id()}); !set) return set;
    if (!is_video) {
      audio_ = transceiver;
      continue;
    }
    video_ = transceiver;
    transceiver.on_key_frame_request([this] { stream_->want_key_frame(); });
    if (!content || content->video_codec.empty()) continue;
    const auto codecs = codecs_in(*offer, MediaKind::video);
    if (std::find(codecs.begin(), codecs.end(), content->video_codec) == codecs.end())
      return Error{Errc::incompatible, "the stream is in " + content->video_codec};
    if (auto set = transceiver.set_codec_preferences({content->video_codec}); !set) return set;
  }
  return {};
}

void ViewerPeer::handle_connected() {
  if (!std::exchange(watching_, true)) stream_->add(*this);
  saw_key_frame_ = false;
  stream_->want_key_frame();
}

void ViewerPeer::handle_closed() {
  if (std::exchange(watching_, false)) stream_->remove(*this);
}

void ViewerPeer::handle_publisher(const Content& content) {
  saw_key_frame_ = false;
  gaps_ = {};
  is_next_ = true;
  if (!video_ || content.video_codec.empty()) return;
  const auto codecs = video_->send_codecs();
  const bool promised = std::any_of(codecs.begin(), codecs.end(), [&](const MediaCodec& codec) {
    return in_capitals(codec.name) == content.video_codec;
  });
  if (!promised && on_over) on_over();
}

void ViewerPeer::show(const EncodedVideo& frame) {
  saw_key_frame_ = saw_key_frame_ || frame.key_frame;
  if (video_ && saw_key_frame_) (void)video_->send_encoded(frame).has_value();
}

void ViewerPeer::play(const EncodedAudio& packet, std::uint32_t rtp_timestamp) {
  if (!audio_) return;
  auto gap = gaps_.before(packet, rtp_timestamp);
  if (!gap) return;
  const Timestamp now = driver().now();
  // Between two publishers there was silence.
  if (std::exchange(is_next_, false) && last_played_)
    gap = static_cast<std::uint32_t>((now - *last_played_) / 10ms) * (kAudioSampleRate / 100);
  last_played_ = now;
  (void)audio_->send_encoded(packet, *gap).has_value();
}

}  // namespace echo_server
