// The video jitter buffer: packets in at any time and in any order, whole decodable frames out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/media.hpp"
#include "parley/base/time.hpp"
#include "parley/machine.hpp"
#include "parley/rtp/payload_format.hpp"

namespace parley::jitter {

/// One received video packet whose payload was parsed.
struct VideoPacket {
  std::int64_t sequence = 0;        ///< unwrapped sequence number
  std::uint32_t rtp_timestamp = 0;  ///< 90 kHz
  bool marker = false;              ///< last packet of the frame
  PayloadType payload_type{};       ///< told again with the frame
  bool retransmitted = false;       ///< it came by RTX, or after it was asked for
  std::optional<int> rotation;      ///< degrees clockwise, when the packet says so
  rtp::VideoPayload payload;        ///< its data is borrowed, copied on insert
};

/// A frame whose bytes are complete and whose references were given out before.
struct AssembledFrame {
  EncodedVideo video;
  PayloadType payload_type{};  ///< of its first packet
  Timestamp first_arrival{};   ///< of its first packet that came
  Timestamp completed{};       ///< when its last missing packet came
  std::int64_t first_sequence = 0;
  std::int64_t last_sequence = 0;
  int packets = 0;
  bool delayed_by_loss = false;  ///< a packet of it, or of one before it, was retransmitted
};

struct FrameAssemblerConfig {
  std::size_t max_packets = 2048;           ///< buffered, a power of two; widest span of numbers
  std::size_t max_bytes = 4 * 1024 * 1024;  ///< of buffered payload
  std::size_t max_frames = 256;             ///< complete ones that wait to be given out
  /// A hole is waited for `wait_round_trips` round trips and `min_wait`, at most `max_wait`.
  double wait_round_trips = 3.0;
  Duration min_wait = 100ms;
  Duration max_wait = 1s;
  /// A frame that does not need what is missing before it gives it this long to arrive late.
  Duration reorder_wait = 15ms;
  Duration initial_round_trip_time = 100ms;
  Duration key_frame_repeat = 500ms;  ///< until the first repetition of a wish; doubles to 8 times
};

/// Counters in the sense of W3C webrtc-stats, all since construction.
struct FrameAssemblerStats {
  std::uint64_t frames_received = 0;  ///< framesReceived: complete frames, given out or not
  std::uint64_t frames_emitted = 0;
  std::uint64_t key_frames_emitted = 0;
  std::uint64_t frames_dropped = 0;  ///< begun frames that were never given out
  std::uint64_t frames_assembled_from_multiple_packets = 0;
  double total_assembly_time = 0.0;  ///< seconds from first to last packet, of these frames
  double jitter_buffer_delay = 0.0;  ///< seconds from first packet to poll_frame, summed
  std::uint64_t jitter_buffer_emitted_count = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t packets_duplicated = 0;
  std::uint64_t packets_discarded = 0;  ///< late, of a frame given up, or without a place
  std::uint64_t key_frame_requests = 0;
  std::uint64_t overflows = 0;  ///< times a bound was reached and buffered packets were dropped
  std::uint64_t restarts = 0;
};

/// Puts packets in order, joins them to frames, and gives out frames in decoding order, each only
/// when nothing it refers to is missing.
///
/// Complete is a run of contiguous sequence numbers of one timestamp, from a packet that begins a
/// frame up to one with the marker or one before which the next frame begins: the marker alone is
/// not trusted. Decodable is a key frame; a frame whose sequence numbers go on from the last one
/// given out (padding is skipped, see `note_padding`); a frame whose picture id does; and, with
/// temporal layers (RFC 7741 section 4.2), a frame of the base layer whose TL0PICIDX goes on or one
/// of a higher layer whose layers below are intact. Pictures that are known to be referred to by
/// nobody may be missing.
///
/// A hole is waited for as long as retransmissions may fill it; then everything up to the next key
/// frame is dropped and a key frame is wished for. Bounds are in the config; when one is reached,
/// everything before the newest buffered key frame goes, or everything.
///
/// Owns its buffers. One sequence of execution. Not a clock: the frame's render time comes from
/// VideoTiming.
class FrameAssembler {
 public:
  FrameAssembler();
  explicit FrameAssembler(const FrameAssemblerConfig& config);
  ~FrameAssembler();

  /// Takes a packet. False when it was a duplicate, late, or could not be placed.
  bool insert(Timestamp now, const VideoPacket& packet);
  /// The packet with this number carries no media (padding, FEC): no frame waits for it.
  void note_padding(Timestamp now, std::int64_t sequence);
  /// The next frame in decoding order, if one is ready.
  std::optional<AssembledFrame> poll_frame(Timestamp now);
  /// Gives storage of a used frame back, so that the next one needs no allocation. Optional.
  void recycle(std::vector<std::uint8_t> data);

  /// True once for each time a key frame is needed. Wishes repeat slowly while none comes.
  bool take_key_frame_request();
  /// The decoder failed: frames are dropped until the next key frame, which is wished for.
  void handle_decoder_error(Timestamp now);
  /// The smallest sequence number that is still of use: missing ones before it need no
  /// retransmission. nullopt before the first packet.
  std::optional<std::int64_t> first_needed() const;

  void set_round_trip_time(Duration rtt);
  /// Another stream (new SSRC, BYE): forgets everything but counters and round trip time.
  void reset();

  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;

  const FrameAssemblerStats& stats() const;
  std::size_t buffered_packets() const;
  std::size_t buffered_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
static_assert(TimedCore<FrameAssembler>);

}  // namespace parley::jitter
