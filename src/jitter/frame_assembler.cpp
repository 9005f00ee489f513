#include "parley/jitter/frame_assembler.hpp"

#include <algorithm>
#include <bit>

#include "frame_assembler_impl.hpp"
#include "parley/base/assert.hpp"

namespace parley::jitter {
namespace {

/// RFC 3550 appendix A.1, MAX_MISORDER: what is older by more is not late but another stream.
constexpr std::int64_t kMaxMisorder = 3000;
/// Storage of used frames kept for later.
constexpr std::size_t kMaxSpareFrames = 4;

}  // namespace

/// Decides whether a packet has a place. Starts the stream, restarts it, counts what has none.
bool FrameAssembler::Impl::place(Timestamp now, std::int64_t sequence) {
  const auto width = static_cast<std::int64_t>(config.max_packets);
  if (!next) {
    next = hole = newest = sequence;
    --*newest;  // nothing is there yet
    key_frame_due = now + config.min_wait;
    key_frame_interval = config.key_frame_repeat;
  }
  if (sequence - *next >= width) {
    begin_anew();
    ++stats.restarts;
    return place(now, sequence);
  }
  if (sequence < *next) {
    if (!anything_emitted && *newest - sequence < width && *next - sequence < width) {
      next = hole = sequence;  // the first packets came out of order
      previous.reset();
    } else if (suspect == sequence) {
      begin_anew();
      ++stats.restarts;
      return place(now, sequence);
    } else {
      suspect.reset();
      if (*next - sequence > kMaxMisorder) suspect = sequence + 1;
      ++stats.packets_discarded;
      return false;
    }
  }
  suspect.reset();
  if (packets.find(sequence) != nullptr) {
    ++stats.packets_duplicated;
    return false;
  }
  return true;
}

bool FrameAssembler::Impl::insert(Timestamp now, const VideoPacket& packet) {
  ++stats.packets_received;
  expire(now);
  if (!place(now, packet.sequence)) return false;
  VideoSlot& slot = packets.add(*next, packet.sequence, VideoSlot::State::media);
  slot.marker = packet.marker;
  slot.retransmitted = packet.retransmitted;
  slot.payload_type = packet.payload_type;
  slot.rtp_timestamp = packet.rtp_timestamp;
  slot.arrival = now;
  slot.rotation = packet.rotation;
  slot.payload = packet.payload;
  slot.payload.data = {};
  packets.set_bytes(slot, packet.payload.data);
  newest = std::max(*newest, packet.sequence);
  if (packet.retransmitted) {
    // Everything behind it had to wait for it.
    for (auto& frame : frames) frame.delayed_by_loss |= frame.first > packet.sequence;
  }
  extend_run(now, slot);
  extend_run_behind(now, packet.sequence);
  update_hole();
  enforce_bounds(now);
  return true;
}

void FrameAssembler::Impl::note_padding(Timestamp now, std::int64_t sequence) {
  expire(now);
  if (!place(now, sequence)) return;
  VideoSlot& slot = packets.add(*next, sequence, VideoSlot::State::padding);
  slot.arrival = now;
  newest = std::max(*newest, sequence);
  // It may join what comes before it to what comes after.
  VideoSlot* before = packets.media_before(sequence);
  if (before != nullptr) extend_run(now, *before);
  extend_run_behind(now, sequence);
  update_hole();
  enforce_bounds(now);
}

void FrameAssembler::Impl::begin_anew() {
  advance_to(*newest + 1);
  next.reset();
  previous.reset();
  newest.reset();
  hole.reset();
  hole_noticed.reset();
  suspect.reset();
  anything_emitted = false;
  request_pending = false;
  key_frame_due = kNever;
  lose_references();
}

/// Whether a packet is the first of its frame. Where the format does not mark that surely, the
/// packet before it decides: one of another frame, in the buffer or just taken out of it.
bool FrameAssembler::Impl::begins_frame(const VideoSlot& slot) {
  if (!slot.payload.may_begin_frame) return slot.payload.begins_frame;
  if (const VideoSlot* before = packets.media_before(slot.sequence)) {
    return before->marker || before->rtp_timestamp != slot.rtp_timestamp;
  }
  std::int64_t s = *next;
  while (s < slot.sequence && packets.find(s) != nullptr) ++s;
  if (s == slot.sequence && previous) return previous->ends_before(slot.rtp_timestamp);
  return slot.payload.begins_frame;
}

/// Marks the run of packets of one frame that `from` belongs to as far as it reaches, and finds
/// frames that became complete.
void FrameAssembler::Impl::extend_run(Timestamp now, VideoSlot& from) {
  const VideoSlot* before = packets.media_before(from.sequence);
  // The frame before may lack its marker: then this beginning is its end.
  if (begins_frame(from) && before != nullptr && before->continuous && !before->marker &&
      before->rtp_timestamp != from.rtp_timestamp) {
    complete_frame(now, *before);
  }
  VideoSlot* slot = &from;
  while (slot != nullptr) {
    const bool joins = before != nullptr && before->continuous && !before->marker &&
                       before->rtp_timestamp == slot->rtp_timestamp;
    slot->begins = begins_frame(*slot);
    slot->continuous = slot->begins || joins;
    if (!slot->continuous) return;
    VideoSlot* after = packets.media_after(slot->sequence);
    const bool ends = slot->marker || (after != nullptr && begins_frame(*after) &&
                                       after->rtp_timestamp != slot->rtp_timestamp);
    if (ends) return complete_frame(now, *slot);
    before = slot;
    slot = after;
  }
}

/// What came at `sequence` may show that the packet behind it begins a frame.
void FrameAssembler::Impl::extend_run_behind(Timestamp now, std::int64_t sequence) {
  VideoSlot* after = packets.media_after(sequence);
  if (after != nullptr && after->payload.may_begin_frame && !after->in_frame &&
      !after->continuous) {
    extend_run(now, *after);
  }
}

void FrameAssembler::Impl::complete_frame(Timestamp now, const VideoSlot& last) {
  if (last.in_frame) return;
  CompleteFrame frame;
  frame.last = last.sequence;
  frame.completed = now;
  frame.first_arrival = last.arrival;
  VideoSlot* slot = packets.find(last.sequence);
  bool key_frame = false;
  int width = 0;
  int height = 0;
  for (;;) {
    slot->in_frame = true;
    frame.first = slot->sequence;
    frame.first_arrival = std::min(frame.first_arrival, slot->arrival);
    frame.delayed_by_loss |= slot->retransmitted;
    frame.bytes += slot->bytes.size();
    ++frame.packets;
    key_frame |= slot->payload.key_frame;
    if (slot->payload.width > 0) {
      width = slot->payload.width;
      height = slot->payload.height;
    }
    if (slot->begins) break;
    slot = packets.media_before(slot->sequence);
    PARLEY_ASSERT(slot != nullptr, "a continuous packet has its frame's packets before it");
  }
  frame.head = slot->payload;
  frame.payload_type = slot->payload_type;
  frame.head.key_frame = key_frame;
  frame.head.width = width;
  frame.head.height = height;
  ++stats.frames_received;
  const auto at = std::upper_bound(
      frames.begin(), frames.end(), frame.first,
      [](std::int64_t first, const CompleteFrame& other) { return first < other.first; });
  frames.insert(at, frame);
}

/// Finds the first missing number, and since when it is known to be missing: since the first
/// packet behind it came.
void FrameAssembler::Impl::update_hole() {
  const std::int64_t before = *hole;
  hole = std::max(*hole, *next);
  while (*hole <= *newest && packets.find(*hole) != nullptr) ++*hole;
  if (*hole > *newest) return hole_noticed.reset();
  if (*hole == before && hole_noticed) return;
  hole_noticed.reset();
  for (std::int64_t s = *hole + 1; s <= *newest; ++s) {
    const VideoSlot* slot = packets.find(s);
    if (slot != nullptr && (!hole_noticed || slot->arrival < *hole_noticed)) {
      hole_noticed = slot->arrival;
    }
  }
}

/// The drop rule: when a bound is reached everything before the newest buffered key frame goes, or
/// everything.
void FrameAssembler::Impl::enforce_bounds(Timestamp now) {
  if (packets.bytes() <= config.max_bytes && frames.size() <= config.max_frames) return;
  ++stats.overflows;
  std::optional<std::int64_t> keep;
  for (auto key = key_frame_after(*next); key; key = key_frame_after(*key)) keep = key;
  lose_references();
  advance_to(keep.value_or(*newest + 1));
  if (packets.bytes() > config.max_bytes) advance_to(*newest + 1);
  if (!key_frame_after(*next - 1)) request_key_frame(now);
}

FrameAssembler::FrameAssembler() : FrameAssembler(FrameAssemblerConfig{}) {}
FrameAssembler::FrameAssembler(const FrameAssemblerConfig& config) {
  PARLEY_ASSERT(std::has_single_bit(config.max_packets), "the ring is indexed by a mask");
  impl_ = std::make_unique<Impl>(config);
}
FrameAssembler::~FrameAssembler() = default;

bool FrameAssembler::insert(Timestamp now, const VideoPacket& packet) {
  return impl_->insert(now, packet);
}

void FrameAssembler::note_padding(Timestamp now, std::int64_t sequence) {
  impl_->note_padding(now, sequence);
}

std::optional<AssembledFrame> FrameAssembler::poll_frame(Timestamp now) {
  if (!impl_->next) return std::nullopt;
  for (;;) {
    impl_->expire(now);
    const auto candidate = impl_->find_candidate();
    if (!candidate || candidate->release > now) return std::nullopt;
    if (auto frame = impl_->emit(now, *candidate)) return frame;
  }
}

void FrameAssembler::recycle(std::vector<std::uint8_t> data) {
  if (impl_->spare.size() < kMaxSpareFrames) impl_->spare.push_back(std::move(data));
}

bool FrameAssembler::take_key_frame_request() {
  return std::exchange(impl_->request_pending, false);
}

void FrameAssembler::handle_decoder_error(Timestamp now) {
  if (!impl_->next) return;
  const bool known = impl_->key_frame_wanted;
  impl_->lose_references();
  if (!known) impl_->request_key_frame(now);
}

std::optional<std::int64_t> FrameAssembler::first_needed() const { return impl_->next; }

void FrameAssembler::set_round_trip_time(Duration rtt) {
  impl_->rtt = std::clamp<Duration>(rtt, 0ms, 10s);
}

void FrameAssembler::reset() {
  if (!impl_->next) return;
  impl_->begin_anew();
}

void FrameAssembler::handle_timeout(Timestamp now) {
  if (impl_->next) impl_->expire(now);
}

Timestamp FrameAssembler::next_timeout() const {
  if (!impl_->next) return kNever;
  Timestamp due = impl_->hole_deadline();
  if (impl_->key_frame_wanted) due = std::min(due, impl_->key_frame_due);
  const auto candidate = impl_->find_candidate();
  if (candidate && candidate->release != Timestamp::min()) due = std::min(due, candidate->release);
  return due;
}

const FrameAssemblerStats& FrameAssembler::stats() const { return impl_->stats; }
std::size_t FrameAssembler::buffered_packets() const { return impl_->packets.count(); }
std::size_t FrameAssembler::buffered_bytes() const { return impl_->packets.bytes(); }

}  // namespace parley::jitter
