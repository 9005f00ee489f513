#include "parley/jitter/frame_assembler.hpp"

#include <algorithm>
#include <bit>

#include "frame_references.hpp"
#include "parley/base/assert.hpp"
#include "video_packets.hpp"

namespace parley::jitter {
namespace {

/// RFC 3550 appendix A.1, MAX_MISORDER: what is older by more is not late but another stream.
constexpr std::int64_t kMaxMisorder = 3000;
/// Storage of used frames kept for later.
constexpr std::size_t kMaxSpareFrames = 4;
/// Picture ids further apart than this are not searched for unreferenced pictures.
constexpr std::uint32_t kMaxPictureGap = 32;

/// A frame whose packets are all there.
struct CompleteFrame {
  std::int64_t first = 0;
  std::int64_t last = 0;
  int packets = 0;
  std::size_t bytes = 0;
  Timestamp first_arrival{};
  Timestamp completed{};
  bool delayed_by_loss = false;
  rtp::VideoPayload head;  ///< of the first packet, without data
};

}  // namespace

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
  void extend_run(Timestamp now, VideoSlot& from);
  void complete_frame(Timestamp now, const VideoSlot& last);
  void update_hole();
  void enforce_bounds(Timestamp now);

  std::optional<Candidate> find_candidate() const;
  Gap gap_before(const CompleteFrame& frame) const;
  bool only_unreferenced_missing(const CompleteFrame& frame) const;
  bool drop_undecodable_head(Timestamp now);
  AssembledFrame emit(Timestamp now, const Candidate& candidate);
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

  std::optional<std::int64_t> next;       ///< everything before it was given out or dropped
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
  update_hole();
  enforce_bounds(now);
}

void FrameAssembler::Impl::begin_anew() {
  advance_to(*newest + 1);
  next.reset();
  newest.reset();
  hole.reset();
  hole_noticed.reset();
  suspect.reset();
  anything_emitted = false;
  request_pending = false;
  key_frame_due = kNever;
  lose_references();
}

/// Marks the run of packets of one frame that `from` belongs to as far as it reaches, and finds
/// frames that became complete.
void FrameAssembler::Impl::extend_run(Timestamp now, VideoSlot& from) {
  const VideoSlot* before = packets.media_before(from.sequence);
  // The frame before may lack its marker: then this beginning is its end.
  if (from.payload.begins_frame && before != nullptr && before->continuous && !before->marker &&
      before->rtp_timestamp != from.rtp_timestamp) {
    complete_frame(now, *before);
  }
  VideoSlot* slot = &from;
  while (slot != nullptr) {
    const bool joins = before != nullptr && before->continuous && !before->marker &&
                       before->rtp_timestamp == slot->rtp_timestamp;
    slot->continuous = slot->payload.begins_frame || joins;
    if (!slot->continuous) return;
    VideoSlot* after = packets.media_after(slot->sequence);
    const bool ends = slot->marker || (after != nullptr && after->payload.begins_frame &&
                                       after->rtp_timestamp != slot->rtp_timestamp);
    if (ends) return complete_frame(now, *slot);
    before = slot;
    slot = after;
  }
}

void FrameAssembler::Impl::complete_frame(Timestamp now, const VideoSlot& last) {
  if (last.in_frame) return;
  CompleteFrame frame;
  frame.last = last.sequence;
  frame.completed = now;
  frame.first_arrival = last.arrival;
  VideoSlot* slot = packets.find(last.sequence);
  for (;;) {
    slot->in_frame = true;
    frame.first = slot->sequence;
    frame.first_arrival = std::min(frame.first_arrival, slot->arrival);
    frame.delayed_by_loss |= slot->retransmitted;
    frame.bytes += slot->bytes.size();
    ++frame.packets;
    if (slot->payload.begins_frame) break;
    slot = packets.media_before(slot->sequence);
    PARLEY_ASSERT(slot != nullptr, "a continuous packet has its frame's packets before it");
  }
  frame.head = slot->payload;
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

Gap FrameAssembler::Impl::gap_before(const CompleteFrame& frame) const {
  // Packets before the first hole that make no frame (the rest of one whose beginning is gone)
  // are a gap as much as the hole.
  const VideoSlot* slot = nullptr;
  std::int64_t s = *next;
  while (s < frame.first && (slot = packets.find(s)) != nullptr &&
         slot->state == VideoSlot::State::padding) {
    ++s;
  }
  if (s == frame.first) return Gap::none;
  return only_unreferenced_missing(frame) ? Gap::unreferenced : Gap::unknown;
}

/// True when a packet of every picture between the last frame given out and this one came and said
/// that no other picture refers to it (RFC 7741 section 4.2, N bit).
bool FrameAssembler::Impl::only_unreferenced_missing(const CompleteFrame& frame) const {
  const auto distance = references.distance(frame.head);
  if (!distance || *distance < 2 || *distance > kMaxPictureGap) return false;
  std::uint64_t seen = 0;
  for (std::int64_t s = *next; s < frame.first; ++s) {
    const VideoSlot* slot = packets.find(s);
    if (slot == nullptr || slot->state != VideoSlot::State::media) continue;
    const auto at = references.distance(slot->payload);
    if (at && *at < *distance && slot->payload.non_reference) seen |= std::uint64_t{1} << *at;
  }
  const std::uint64_t all = (std::uint64_t{1} << *distance) - 2;  // 1 to distance - 1
  return (seen & all) == all;
}

/// The first frame that can be decoded, with the time from which it may go out.
std::optional<FrameAssembler::Impl::Candidate> FrameAssembler::Impl::find_candidate() const {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const CompleteFrame& frame = frames[i];
    if (key_frame_wanted && !frame.head.key_frame) continue;
    const Verdict verdict = references.judge(frame.head, gap_before(frame));
    if (verdict == Verdict::undecodable) continue;
    const bool at_once = verdict == Verdict::follows || key_frame_wanted || !has_hole();
    return Candidate{i, verdict, at_once ? Timestamp::min() : *hole_noticed + config.reorder_wait};
  }
  return std::nullopt;
}

/// Drops the first frame when it can never be decoded: nothing before it is awaited, and still its
/// references are missing.
bool FrameAssembler::Impl::drop_undecodable_head(Timestamp now) {
  if (frames.empty()) return false;
  const CompleteFrame& frame = frames.front();
  if (has_hole() && *hole < frame.first) return false;
  const Gap gap = gap_before(frame);
  if (key_frame_wanted) {
    if (frame.head.key_frame) return false;
  } else {
    if (references.judge(frame.head, gap) != Verdict::undecodable) return false;
    // A higher layer waits for its next sync, unnoticed by the layers below. Anything else that
    // cannot be decoded takes all that follows with it.
    const bool only_layer = gap == Gap::none && frame.head.temporal_id.value_or(0) > 0;
    if (!only_layer) {
      lose_references();
      request_key_frame(now);
    }
  }
  advance_to(frame.last + 1);
  return true;
}

AssembledFrame FrameAssembler::Impl::emit(Timestamp now, const Candidate& candidate) {
  const CompleteFrame frame = frames[candidate.index];
  advance_to(frame.first);  // drops what is skipped
  AssembledFrame out;
  if (!spare.empty()) {
    out.video.data = std::move(spare.back());
    spare.pop_back();
    out.video.data.clear();
  }
  out.video.data.reserve(frame.bytes);
  for (std::int64_t s = frame.first; s <= frame.last; ++s) {
    const VideoSlot& slot = *packets.find(s);
    out.video.data.insert(out.video.data.end(), slot.bytes.begin(), slot.bytes.end());
    if (slot.state == VideoSlot::State::media) out.video.rtp_timestamp = slot.rtp_timestamp;
    // 3GPP TS 26.114: the orientation is on the last packet of a frame.
    if (slot.rotation) out.video.rotation = *slot.rotation;
    packets.remove(s);
  }
  out.video.key_frame = frame.head.key_frame;
  out.video.width = frame.head.width;
  out.video.height = frame.head.height;
  out.video.temporal_id = frame.head.temporal_id.value_or(0);
  out.video.layer_sync = frame.head.layer_sync;
  out.first_arrival = frame.first_arrival;
  out.completed = frame.completed;
  out.first_sequence = frame.first;
  out.last_sequence = frame.last;
  out.packets = frame.packets;
  out.delayed_by_loss = frame.delayed_by_loss;

  references.on_emitted(frame.head, candidate.verdict);
  frames.erase(frames.begin());
  next = frame.last + 1;
  update_hole();
  anything_emitted = true;
  if (frame.head.key_frame) {
    key_frame_wanted = false;
    key_frame_due = kNever;
    key_frame_interval = config.key_frame_repeat;
    request_pending = false;
    ++stats.key_frames_emitted;
  }
  ++stats.frames_emitted;
  ++stats.jitter_buffer_emitted_count;
  stats.jitter_buffer_delay += to_seconds(now - frame.first_arrival);
  if (frame.packets > 1) {
    ++stats.frames_assembled_from_multiple_packets;
    stats.total_assembly_time += to_seconds(frame.completed - frame.first_arrival);
  }
  return out;
}

/// Drops everything before `sequence`.
void FrameAssembler::Impl::advance_to(std::int64_t sequence) {
  std::optional<std::uint32_t> dropping;
  for (std::int64_t s = *next; s < sequence && s <= *newest; ++s) {
    const VideoSlot* slot = packets.find(s);
    if (slot == nullptr) continue;
    if (slot->state == VideoSlot::State::media && dropping != slot->rtp_timestamp) {
      dropping = slot->rtp_timestamp;
      ++stats.frames_dropped;
    }
    packets.remove(s);
  }
  frames.erase(std::remove_if(frames.begin(), frames.end(),
                              [&](const CompleteFrame& f) { return f.first < sequence; }),
               frames.end());
  next = sequence;
  update_hole();
}

/// The first packet after `sequence` that begins a key frame.
std::optional<std::int64_t> FrameAssembler::Impl::key_frame_after(std::int64_t sequence) const {
  for (std::int64_t s = std::max(sequence + 1, *next); s <= *newest; ++s) {
    const VideoSlot* slot = packets.find(s);
    if (slot != nullptr && slot->state == VideoSlot::State::media && slot->payload.begins_frame &&
        slot->payload.key_frame) {
      return s;
    }
  }
  return std::nullopt;
}

/// The first hole will not be filled: everything up to the next key frame is useless.
void FrameAssembler::Impl::give_up(Timestamp now) {
  const auto key = key_frame_after(*hole);
  advance_to(key.value_or(*newest + 1));
  lose_references();
  // A key frame that is on its way makes a request superfluous.
  if (!key) request_key_frame(now);
}

void FrameAssembler::Impl::lose_references() {
  references.reset();
  key_frame_wanted = true;
}

void FrameAssembler::Impl::request_key_frame(Timestamp now) {
  request_pending = true;
  ++stats.key_frame_requests;
  key_frame_due = now + std::max(key_frame_interval, 2 * rtt);
  key_frame_interval = std::min(2 * key_frame_interval, 8 * config.key_frame_repeat);
}

void FrameAssembler::Impl::expire(Timestamp now) {
  while (drop_undecodable_head(now)) {
  }
  while (has_hole() && now >= hole_deadline()) {
    // A frame that does not need the hole goes out instead.
    if (const auto candidate = find_candidate(); candidate && candidate->release <= now) return;
    give_up(now);
    while (drop_undecodable_head(now)) {
    }
  }
  if (!key_frame_wanted || now < key_frame_due) return;
  if (has_hole() && key_frame_after(*next - 1)) {
    key_frame_due = hole_deadline();  // part of one is there: its holes are waited for first
    if (key_frame_due > now) return;
  }
  request_key_frame(now);
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
  impl_->expire(now);
  const auto candidate = impl_->find_candidate();
  if (!candidate || candidate->release > now) return std::nullopt;
  return impl_->emit(now, *candidate);
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
