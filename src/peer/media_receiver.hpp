// The receiving half of one transceiver: packets of one stream in, pictures or sound out, and what
// has to be asked of the sender.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "parley/base/media.hpp"
#include "parley/base/time.hpp"
#include "parley/events.hpp"
#include "parley/jitter/audio_buffer.hpp"
#include "parley/jitter/frame_assembler.hpp"
#include "parley/jitter/video_timing.hpp"
#include "parley/rtp/extensions.hpp"
#include "parley/rtp/h264.hpp"
#include "parley/rtp/nack.hpp"
#include "parley/rtp/payload_format.hpp"
#include "parley/rtp/receive_stream.hpp"
#include "parley/sdp/transceiver.hpp"

namespace parley::peer {

using AudioDecoderFactory =
    std::function<std::unique_ptr<AudioDecoder>(std::string_view codec, int channels)>;

/// One received stream at a time: when the sender takes another SSRC, the buffers begin anew.
/// Owned by the media plane, on the session's sequence.
class MediaReceiver {
 public:
  struct Config {
    TransceiverId id;
    MediaKind kind = MediaKind::audio;
    std::string rid;  ///< of the simulcast stream; empty without simulcast
    std::vector<jsep::NegotiatedCodec> codecs;
    Duration max_video_wait = 1s;
    AudioDecoderFactory audio_decoder;
    int playout_channels = 1;
  };

  explicit MediaReceiver(Config config);

  /// The direction allows receiving, or not: then packets are dropped, nothing is asked of the
  /// sender, and counters stand still until it is allowed again.
  void set_active(bool active);
  /// A renegotiation changed the codecs.
  void set_codecs(std::vector<jsep::NegotiatedCodec> codecs);
  bool knows_payload_type(PayloadType type) const;
  bool is_rtx(PayloadType type) const;
  /// `ssrc` belongs here, because it is the media or the retransmission stream.
  bool owns(Ssrc ssrc) const;

  /// A packet that was routed here. `packet` may be changed in place.
  void handle_packet(Timestamp now, MutableBytes packet, const rtp::PacketView& view,
                     const rtp::HeaderExtensions& extensions);
  void handle_sender_report(Timestamp now, const rtp::rtcp::SenderReport& report);
  void handle_bye(Ssrc ssrc);
  void set_round_trip_time(Duration rtt);
  void set_encoded_audio(bool encoded) { encoded_audio_ = encoded; }

  jitter::Outcome read_audio(Timestamp now, AudioBlock& block);
  void handle_decoder_error(Timestamp now);
  void request_key_frame(Timestamp now);

  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;
  std::optional<SessionEvent> poll_event();

  // --- What is to be asked of the sender ---

  /// Whether NACK or a key frame request is due.
  bool feedback_due(Timestamp now) const;
  std::size_t poll_nack(Timestamp now, std::span<std::uint16_t> out);
  std::optional<rtp::KeyFrameRequester::Request> poll_key_frame_request(Timestamp now);
  void count_nack() { ++nacks_sent_; }
  void count_pli() { ++plis_sent_; }
  void build_report_blocks(Timestamp now, std::vector<rtp::rtcp::ReportBlock>& out);

  const Config& config() const { return config_; }
  const std::string& rid() const { return config_.rid; }
  rtp::ReceiveStream* stream() { return stream_ ? &*stream_ : nullptr; }
  const rtp::ReceiveStream* stream() const { return stream_ ? &*stream_ : nullptr; }
  const jitter::AudioBuffer* audio() const { return audio_.get(); }
  const jitter::FrameAssembler* assembler() const { return assembler_ ? &*assembler_ : nullptr; }
  const jitter::VideoTiming& timing() const { return timing_; }
  std::uint64_t nacks_sent() const { return nacks_sent_; }
  std::uint64_t plis_sent() const { return plis_sent_; }
  std::uint64_t malformed() const { return malformed_; }
  std::optional<PayloadType> payload_type() const { return payload_type_; }
  /// Of the last media packet; nullptr before the first, and when it is negotiated no longer.
  const jsep::NegotiatedCodec* codec() const {
    return payload_type_ ? codec_of(*payload_type_) : nullptr;
  }

 private:
  std::vector<rtp::ReceiveStream::Config::Rtx> rtx_payload_types() const;
  void begin_stream(Ssrc ssrc, PayloadType payload_type);
  void deliver(Timestamp now, const rtp::Received& received,
               const rtp::HeaderExtensions& extensions);
  void deliver_video(Timestamp now, const rtp::Received& received,
                     const rtp::HeaderExtensions& extensions);
  void deliver_audio(Timestamp now, const rtp::Received& received,
                     const rtp::HeaderExtensions& extensions);
  void restart_buffers();
  void drain_frames(Timestamp now);
  bool complete_frame(Timestamp now, jitter::AssembledFrame& frame);
  void emit_audio(const rtp::PacketView& packet, const jsep::NegotiatedCodec& codec,
                  const rtp::HeaderExtensions& extensions);
  const jsep::NegotiatedCodec* codec_of(PayloadType type) const;
  std::shared_ptr<const MediaCodec> shared_codec(PayloadType type) const;
  void share_codecs();

  Config config_;
  bool active_ = true;
  /// config_.codecs as frames carry them, in the same order.
  std::vector<std::shared_ptr<const MediaCodec>> shared_codecs_;
  std::optional<rtp::ReceiveStream> stream_;
  std::optional<Ssrc> early_rtx_;  ///< retransmission stream seen before any media
  Duration round_trip_time_ = 100ms;
  std::optional<PayloadType> payload_type_;  ///< of the last media packet

  std::unique_ptr<rtp::VideoDepacketizer> depacketizer_;
  rtp::H264ParameterSets parameter_sets_;
  std::optional<jitter::FrameAssembler> assembler_;
  jitter::QuantileVideoTiming timing_;
  rtp::KeyFrameRequester key_frames_;

  std::unique_ptr<jitter::AudioBuffer> audio_;
  bool encoded_audio_ = false;
  bool is_read_ = false;  ///< somebody plays the sound, besides taking its packets perhaps

  std::vector<SessionEvent> events_;
  std::size_t next_event_ = 0;
  std::uint64_t nacks_sent_ = 0;
  std::uint64_t plis_sent_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace parley::peer
