// The state of a frame assembler, shared by its sources: frame_assembler.cpp takes packets in and
// finds complete frames, frame_release.cpp decides which of them go out.
#pragma once

#include <optional>
#include <vector>

#include "frame_references.hpp"
#include "parley/jitter/frame_assembler.hpp"
#include "video_packets.hpp"

namespace parley::jitter {

/// A frame whose packets are all there.
struct CompleteFrame {
  std::int64_t first = 0;
  std::int64_t last = 0;
  int packets = 0;
  std::size_t bytes = 0;
  Timestamp first_arrival{};
  Timestamp completed{};
  bool delayed_by_loss = false;
  PayloadType payload_type{};
  /// Of the first packet, without data; key frame and size as any packet tells them.
  rtp::VideoPayload head;
};

/// What a packet that was taken out leaves to tell whether the next one begins a frame.
struct Ending {
  std::uint32_t rtp_timestamp = 0;
  bool marker = false;

  bool ends_before(std::uint32_t next) const { return marker || rtp_timestamp != next; }
};

struct FrameAssembler::Impl {
  explicit Impl(const FrameAssemblerConfig& c)
      : config(c), packets(c.max_packets), rtt(c.initial_round_trip_time) {}

  struct Candidate {
    std::size_t index = 0;  ///< in `frames`
    Verdict verdict = Verdict::undecodable;
    Timestamp release{};  ///< when it may go out
  };

  bool place(Timestamp now, std::int64_t sequence);
  bool insert(Timestamp now, const VideoPacket& packet);
  void note_padding(Timestamp now, std::int64_t sequence);
  void begin_anew();
  bool begins_frame(const VideoSlot& slot);
  void extend_run(Timestamp now, VideoSlot& from);
  void extend_run_behind(Timestamp now, std::int64_t sequence);
  void complete_frame(Timestamp now, const VideoSlot& last);
  void update_hole();
  void enforce_bounds(Timestamp now);

  std::optional<Candidate> find_candidate() const;
  Gap gap_before(const CompleteFrame& frame) const;
  bool only_unreferenced_missing(const CompleteFrame& frame) const;
  bool drop_undecodable_head(Timestamp now);
  std::optional<AssembledFrame> emit(Timestamp now, const Candidate& candidate);
  bool join(const CompleteFrame& frame, EncodedVideo& out);
  void count_emitted(Timestamp now, const CompleteFrame& frame);
  void advance_to(std::int64_t sequence);
  std::optional<std::int64_t> key_frame_after(std::int64_t sequence) const;
  void give_up(Timestamp now);
  void lose_references();
  void request_key_frame(Timestamp now);
  void expire(Timestamp now);

  bool has_hole() const { return hole_noticed.has_value(); }
  Duration wait() const {
    const auto trips = from_seconds(to_seconds(rtt) * config.wait_round_trips);
    return std::min(config.min_wait + trips, config.max_wait);
  }
  Timestamp hole_deadline() const { return has_hole() ? *hole_noticed + wait() : kNever; }

  FrameAssemblerConfig config;
  VideoPackets packets;
  Duration rtt;
  FrameAssemblerStats stats;
  FrameReferences references;
  std::vector<CompleteFrame> frames;  ///< ascending
  std::vector<std::vector<std::uint8_t>> spare;
  std::vector<Bytes> parts;  ///< of the frame that is joined

  std::optional<std::int64_t> next;  ///< everything before it was given out or dropped
  /// The packet of media right before `next`, if it was there.
  std::optional<Ending> previous;
  std::optional<std::int64_t> newest;     ///< of this stream
  std::optional<std::int64_t> hole;       ///< first number from `next` on that is not there
  std::optional<Timestamp> hole_noticed;  ///< when something behind it came; nullopt: no hole
  bool anything_emitted = false;          ///< of this stream
  std::optional<std::int64_t> suspect;

  bool key_frame_wanted = true;      ///< nothing can be decoded until one comes
  Timestamp key_frame_due = kNever;  ///< when to ask for one (again)
  Duration key_frame_interval{};     ///< until the next request after that, doubling
  bool request_pending = false;
};

}  // namespace parley::jitter
