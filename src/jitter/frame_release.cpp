// Which complete frames go out, and when holes and references are given up.
#include <algorithm>

#include "frame_assembler_impl.hpp"

namespace parley::jitter {
namespace {

/// Picture ids further apart than this are not searched for unreferenced pictures.
constexpr std::uint32_t kMaxPictureGap = 32;

}  // namespace

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

/// Takes the packets of a frame out and makes it of them. False when they do not fit together.
bool FrameAssembler::Impl::join(const CompleteFrame& frame, EncodedVideo& out) {
  parts.clear();
  for (std::int64_t s = frame.first; s <= frame.last; ++s) {
    const VideoSlot& slot = *packets.find(s);
    if (slot.state != VideoSlot::State::media) continue;
    parts.emplace_back(slot.bytes);
    out.rtp_timestamp = slot.rtp_timestamp;
    previous = {slot.rtp_timestamp, slot.marker};
    // 3GPP TS 26.114: the orientation is on the last packet of a frame.
    if (slot.rotation) out.rotation = *slot.rotation;
  }
  out.data.reserve(frame.bytes);
  bool joined = true;
  if (frame.head.join != nullptr) {
    joined = frame.head.join(parts, out.data) && !out.data.empty();
  } else {
    for (const Bytes part : parts) out.data.insert(out.data.end(), part.begin(), part.end());
  }
  for (std::int64_t s = frame.first; s <= frame.last; ++s) packets.remove(s);
  return joined;
}

/// nullopt when the packets make no frame; then a key frame is wished for.
std::optional<AssembledFrame> FrameAssembler::Impl::emit(Timestamp now,
                                                         const Candidate& candidate) {
  const CompleteFrame frame = frames[candidate.index];
  advance_to(frame.first);  // drops what is skipped
  AssembledFrame out;
  if (!spare.empty()) {
    out.video.data = std::move(spare.back());
    spare.pop_back();
    out.video.data.clear();
  }
  const bool joined = join(frame, out.video);
  frames.erase(frames.begin());
  next = frame.last + 1;
  update_hole();
  if (!joined) {
    ++stats.frames_dropped;
    lose_references();
    request_key_frame(now);
    return std::nullopt;
  }
  out.video.key_frame = frame.head.key_frame;
  out.video.width = frame.head.width;
  out.video.height = frame.head.height;
  out.video.temporal_id = frame.head.temporal_id.value_or(0);
  out.video.layer_sync = frame.head.layer_sync;
  out.payload_type = frame.payload_type;
  out.first_arrival = frame.first_arrival;
  out.completed = frame.completed;
  out.first_sequence = frame.first;
  out.last_sequence = frame.last;
  out.packets = frame.packets;
  out.delayed_by_loss = frame.delayed_by_loss;

  references.on_emitted(frame.head, candidate.verdict);
  anything_emitted = true;
  if (frame.head.key_frame) {
    key_frame_wanted = false;
    key_frame_due = kNever;
    key_frame_interval = config.key_frame_repeat;
    request_pending = false;
  }
  count_emitted(now, frame);
  return out;
}

void FrameAssembler::Impl::count_emitted(Timestamp now, const CompleteFrame& frame) {
  ++stats.frames_emitted;
  if (frame.head.key_frame) ++stats.key_frames_emitted;
  ++stats.jitter_buffer_emitted_count;
  stats.jitter_buffer_delay += to_seconds(now - frame.first_arrival);
  if (frame.packets > 1) {
    ++stats.frames_assembled_from_multiple_packets;
    stats.total_assembly_time += to_seconds(frame.completed - frame.first_arrival);
  }
}

/// Drops everything before `sequence`.
void FrameAssembler::Impl::advance_to(std::int64_t sequence) {
  std::optional<std::uint32_t> dropping;
  for (std::int64_t s = *next; s < sequence && s <= *newest; ++s) {
    const VideoSlot* slot = packets.find(s);
    if (slot == nullptr) {
      previous.reset();
      continue;
    }
    if (slot->state == VideoSlot::State::media) previous = {slot->rtp_timestamp, slot->marker};
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

/// The first packet after `sequence` that begins a key frame. Which frame is one may be told by a
/// later packet of it.
std::optional<std::int64_t> FrameAssembler::Impl::key_frame_after(std::int64_t sequence) const {
  std::optional<std::int64_t> begin;
  std::uint32_t timestamp = 0;
  for (std::int64_t s = std::max(sequence + 1, *next); s <= *newest; ++s) {
    const VideoSlot* slot = packets.find(s);
    if (slot == nullptr) {
      begin.reset();
    } else if (slot->state == VideoSlot::State::media) {
      if (slot->begins) {
        begin = s;
        timestamp = slot->rtp_timestamp;
      }
      if (slot->payload.key_frame && begin && timestamp == slot->rtp_timestamp) return begin;
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

}  // namespace parley::jitter
