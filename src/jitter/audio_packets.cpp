#include "audio_packets.hpp"

#include <algorithm>

#include "parley/base/assert.hpp"

namespace parley::jitter {

bool AudioPackets::knows(std::int64_t sequence) const {
  const auto& s = slots_[static_cast<std::size_t>(sequence) & (slots_.size() - 1)];
  return s.state != StoredPacket::State::empty && s.sequence == sequence;
}

StoredPacket* AudioPackets::find(std::int64_t sequence) {
  StoredPacket& s = slot(sequence);
  return s.state == StoredPacket::State::waiting && s.sequence == sequence ? &s : nullptr;
}

StoredPacket& AudioPackets::add(std::int64_t sequence, Bytes payload) {
  StoredPacket& s = slot(sequence);
  PARLEY_ASSERT(s.state != StoredPacket::State::waiting,
                "the owner keeps waiting packets within one turn of the ring");
  s.state = StoredPacket::State::waiting;
  s.fec_used = false;
  s.sequence = sequence;
  s.payload.assign(payload.begin(), payload.end());
  first_ = waiting_ == 0 ? sequence : std::min(first_, sequence);
  last_ = waiting_ == 0 ? sequence : std::max(last_, sequence);
  ++waiting_;
  return s;
}

void AudioPackets::pop_front() {
  slot(first_).state = StoredPacket::State::used;
  --waiting_;
  if (waiting_ == 0) return;
  do {
    ++first_;
  } while (find(first_) == nullptr);
}

void AudioPackets::clear() {
  for (auto& s : slots_) s.state = StoredPacket::State::empty;
  waiting_ = 0;
}

}  // namespace parley::jitter
