#include "video_packets.hpp"

#include <algorithm>

#include "parley/base/assert.hpp"

namespace parley::jitter {
namespace {

constexpr std::size_t kInitialSlots = 64;

}  // namespace

VideoPackets::VideoPackets(std::size_t limit)
    : limit_(limit), slots_(std::min(limit, kInitialSlots)) {}

VideoSlot* VideoPackets::find(std::int64_t sequence) {
  VideoSlot& slot = slots_[index(sequence)];
  return slot.state != VideoSlot::State::empty && slot.sequence == sequence ? &slot : nullptr;
}

const VideoSlot* VideoPackets::find(std::int64_t sequence) const {
  const VideoSlot& slot = slots_[index(sequence)];
  return slot.state != VideoSlot::State::empty && slot.sequence == sequence ? &slot : nullptr;
}

VideoSlot* VideoPackets::media_before(std::int64_t sequence) {
  VideoSlot* slot = find(--sequence);
  while (slot != nullptr && slot->state == VideoSlot::State::padding) slot = find(--sequence);
  return slot;
}

VideoSlot* VideoPackets::media_after(std::int64_t sequence) {
  VideoSlot* slot = find(++sequence);
  while (slot != nullptr && slot->state == VideoSlot::State::padding) slot = find(++sequence);
  return slot;
}

VideoSlot& VideoPackets::add(std::int64_t first, std::int64_t sequence, VideoSlot::State state) {
  while (static_cast<std::size_t>(sequence - first) >= slots_.size()) grow();
  VideoSlot* slot = &slots_[index(sequence)];
  // The window may have grown downwards, so that packets beyond `sequence` turn round the ring.
  while (slot->state != VideoSlot::State::empty && slots_.size() < limit_) {
    grow();
    slot = &slots_[index(sequence)];
  }
  PARLEY_ASSERT(slot->state == VideoSlot::State::empty,
                "the owner keeps packets within a window of the limit");
  *slot = VideoSlot{};
  slot->state = state;
  slot->sequence = sequence;
  ++count_;
  return *slot;
}

void VideoPackets::set_bytes(VideoSlot& slot, Bytes bytes) {
  if (!spare_.empty()) {
    slot.bytes = std::move(spare_.back());
    spare_.pop_back();
  }
  slot.bytes.assign(bytes.begin(), bytes.end());
  bytes_ += bytes.size();
}

void VideoPackets::remove(std::int64_t sequence) {
  VideoSlot* slot = find(sequence);
  if (slot == nullptr) return;
  bytes_ -= slot->bytes.size();
  if (slot->bytes.capacity() > 0 && spare_.size() < slots_.size()) {
    spare_.push_back(std::move(slot->bytes));
  }
  slot->bytes = {};
  slot->state = VideoSlot::State::empty;
  --count_;
}

void VideoPackets::grow() {
  PARLEY_ASSERT(slots_.size() < limit_, "the owner keeps packets within a window of the limit");
  std::vector<VideoSlot> old(slots_.size() * 2);
  old.swap(slots_);
  for (VideoSlot& slot : old) {
    if (slot.state != VideoSlot::State::empty) slots_[index(slot.sequence)] = std::move(slot);
  }
}

}  // namespace parley::jitter
