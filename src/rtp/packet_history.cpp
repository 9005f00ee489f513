#include "parley/rtp/packet_history.hpp"

#include <cstring>

namespace parley::rtp {

PacketHistory::PacketHistory(const Config& config)
    : config_(config),
      entries_(config.max_packets),
      ring_(config.max_packets > 0 ? new std::uint8_t[config.max_bytes] : nullptr) {}

void PacketHistory::store(Timestamp now, std::int64_t sequence, Bytes packet) {
  if (entries_.empty()) return;
  if (count_ > 0 && at(count_ - 1).sequence + 1 != sequence) clear();
  drop_old(now);
  if (packet.empty() || packet.size() > config_.max_bytes) return clear();
  if (count_ == entries_.size()) drop_oldest();
  const std::size_t offset = place(packet.size());
  std::memcpy(&ring_[offset], packet.data(), packet.size());
  Entry& entry = at(count_++);
  entry = Entry{};
  entry.sequence = sequence;
  entry.sent = now;
  entry.packet = Bytes{&ring_[offset], packet.size()};
  used_ += packet.size();
  write_at_ = offset + packet.size();
}

std::size_t PacketHistory::place(std::size_t size) {
  // Packets lie in one piece: what is left at the end of the ring stays empty when it is short.
  // The kept packets are [oldest, write_at_) on the circle; everything in the way goes.
  const auto offset_of_oldest = [&] {
    return static_cast<std::size_t>(at(0).packet.data() - ring_.get());
  };
  if (config_.max_bytes - write_at_ < size) {
    while (count_ > 0 && offset_of_oldest() >= write_at_) drop_oldest();
    write_at_ = 0;
  }
  while (count_ > 0 && offset_of_oldest() >= write_at_ && offset_of_oldest() < write_at_ + size)
    drop_oldest();
  if (count_ == 0) write_at_ = 0;
  return write_at_;
}

PacketHistory::Entry* PacketHistory::find(Timestamp now, std::int64_t sequence) {
  drop_old(now);
  if (count_ == 0) return nullptr;
  const std::int64_t index = sequence - at(0).sequence;
  if (index < 0 || index >= static_cast<std::int64_t>(count_)) return nullptr;
  return &at(static_cast<std::size_t>(index));
}

void PacketHistory::clear() {
  first_ = count_ = used_ = 0;
  write_at_ = 0;
}

void PacketHistory::drop_oldest() {
  used_ -= at(0).packet.size();
  first_ = (first_ + 1) % entries_.size();
  --count_;
}

void PacketHistory::drop_old(Timestamp now) {
  while (count_ > 0 && now - at(0).sent > config_.max_age) drop_oldest();
}

}  // namespace parley::rtp
