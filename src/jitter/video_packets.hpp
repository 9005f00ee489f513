// The packets of a frame assembler, in a ring indexed by sequence number.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "parley/jitter/frame_assembler.hpp"

namespace parley::jitter {

/// One buffered packet. Its payload's `data` is not used: the bytes are in `bytes`.
struct VideoSlot {
  enum class State : std::uint8_t { empty, media, padding };
  State state = State::empty;
  bool marker = false;
  bool retransmitted = false;
  bool begins = false;      ///< first of its frame, as far as is known by now
  bool continuous = false;  ///< every packet from the frame's first one to this one is there
  bool in_frame = false;    ///< part of a frame that is complete
  PayloadType payload_type{};
  std::int64_t sequence = 0;
  std::uint32_t rtp_timestamp = 0;
  Timestamp arrival{};
  std::optional<int> rotation;
  rtp::VideoPayload payload;
  std::vector<std::uint8_t> bytes;
};

/// A ring that grows by doubling up to a limit, so that a stream of small frames stays small. The
/// owner keeps the window: at most `limit` successive numbers. Payload storage is reused, as much
/// of it as the ring has places.
class VideoPackets {
 public:
  /// `limit` is a power of two.
  explicit VideoPackets(std::size_t limit);

  /// The packet or padding with this number, or null.
  VideoSlot* find(std::int64_t sequence);
  const VideoSlot* find(std::int64_t sequence) const;
  /// The nearest packet with media before or after `sequence` with nothing but padding between, or
  /// null.
  VideoSlot* media_before(std::int64_t sequence);
  VideoSlot* media_after(std::int64_t sequence);

  /// A place for `sequence`, which is not there yet and lies within the window [first, ...).
  VideoSlot& add(std::int64_t first, std::int64_t sequence, VideoSlot::State state);
  void set_bytes(VideoSlot& slot, Bytes bytes);
  /// Takes a packet out. Harmless when it is not there.
  void remove(std::int64_t sequence);

  std::size_t count() const { return count_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t index(std::int64_t sequence) const {
    return static_cast<std::size_t>(sequence) & (slots_.size() - 1);
  }
  void grow();

  std::size_t limit_;
  std::vector<VideoSlot> slots_;
  std::vector<std::vector<std::uint8_t>> spare_;
  std::size_t count_ = 0;  ///< packets and padding
  std::size_t bytes_ = 0;
};

}  // namespace parley::jitter
