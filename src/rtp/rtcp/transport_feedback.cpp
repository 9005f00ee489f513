#include "parley/rtp/rtcp/transport_feedback.hpp"

#include <algorithm>

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {
namespace {

constexpr std::size_t kFixedSize = 16;  // of the body: two SSRCs and two words
constexpr std::uint32_t kReferenceMask = 0xFF'FFFF;

/// 24 bits as a signed number.
std::int32_t sign_extend_24(std::uint32_t v) {
  return static_cast<std::int32_t>(v & kReferenceMask) - ((v & 0x80'0000) != 0 ? 0x100'0000 : 0);
}

/// One packet status chunk (draft-holmer sections 3.1.3 and 3.1.4) as a list of symbols.
class Chunk {
 public:
  explicit Chunk(std::uint16_t word) : word_(word) {}
  std::size_t length() const {
    if (is_run()) return word_ & 0x1FFF;
    return has_two_bits() ? 7 : 14;
  }
  /// 0 lost, 1 small delta, 2 large delta, 3 reserved.
  unsigned symbol(std::size_t index) const {
    if (is_run()) return (word_ >> 13) & 3U;
    if (has_two_bits()) return (word_ >> (12 - 2 * index)) & 3U;
    return (word_ >> (13 - index)) & 1U;
  }
  bool is_run_of_lost() const { return is_run() && symbol(0) == 0; }

 private:
  bool is_run() const { return (word_ & 0x8000) == 0; }
  bool has_two_bits() const { return (word_ & 0x4000) != 0; }
  std::uint16_t word_;
};

/// The chunks of `status_count` statuses: a view of `in`, which moves behind them.
Bytes take_chunks(ByteReader& in, Bytes body, std::size_t status_count) {
  const std::size_t start = in.position();
  for (std::size_t covered = 0; covered < status_count && in.ok();) {
    covered += Chunk{in.u16()}.length();
    // A run of length 0 covers nothing but takes two bytes, so the input bounds the loop.
  }
  return body.subspan(start, in.position() - start);
}

}  // namespace

std::optional<TransportFeedback> TransportFeedback::parse(const SubPacket& sub) {
  if (!sub.is(PacketType::transport_feedback, kFormatTransportFeedback)) return std::nullopt;
  ByteReader in{sub.body};
  TransportFeedback feedback;
  feedback.sender = read_ssrc(in);
  feedback.media = read_ssrc(in);
  feedback.base_sequence = in.u16();
  feedback.status_count = in.u16();
  feedback.reference_time = sign_extend_24(in.u24());
  feedback.feedback_count = in.u8();
  if (!in.ok() || feedback.status_count == 0) return std::nullopt;

  ByteReader chunks{take_chunks(in, sub.body, feedback.status_count)};
  if (!in.ok()) return std::nullopt;
  // Each arrival takes a byte of delta at least: the input bounds the list, not the status count.
  feedback.arrivals.reserve(std::min<std::size_t>(feedback.status_count, in.remaining()));
  Duration time = kFeedbackReferenceUnit * feedback.reference_time;
  for (std::size_t covered = 0; covered < feedback.status_count;) {
    const Chunk chunk{chunks.u16()};
    const std::size_t length =
        std::min<std::size_t>(chunk.length(), feedback.status_count - covered);
    for (std::size_t i = 0; i < length && !chunk.is_run_of_lost(); ++i) {
      const unsigned symbol = chunk.symbol(i);
      if (symbol == 0) continue;
      if (symbol == 3) return std::nullopt;  // reserved: the place of later deltas is unknown
      const int delta = symbol == 1 ? int{in.u8()} : int{static_cast<std::int16_t>(in.u16())};
      if (!in.ok()) return std::nullopt;
      time += kFeedbackDeltaUnit * delta;
      feedback.arrivals.push_back(
          {static_cast<std::uint16_t>(feedback.base_sequence + covered + i), time});
    }
    covered += length;
  }
  return feedback;
}

Duration ReferenceTimeline::offset(const TransportFeedback& feedback) {
  std::int64_t unwrapped = feedback.reference_time;
  if (newest_) {
    const auto ahead = static_cast<std::uint32_t>(feedback.reference_time - *newest_);
    unwrapped = *newest_ + sign_extend_24(ahead);
  }
  newest_ = std::max(newest_.value_or(unwrapped), unwrapped);
  return kFeedbackReferenceUnit * (unwrapped - feedback.reference_time);
}

TransportFeedbackWriter::TransportFeedbackWriter(Ssrc sender, Ssrc media,
                                                 std::uint8_t feedback_count, std::uint16_t base,
                                                 Timestamp base_time, std::size_t max_size)
    : sender_(sender),
      media_(media),
      feedback_count_(feedback_count),
      base_(base),
      reference_time_(0),
      max_size_(max_size) {
  const Duration since_epoch = base_time.time_since_epoch();
  std::int64_t units = since_epoch / kFeedbackReferenceUnit;
  if (kFeedbackReferenceUnit * units > since_epoch) --units;  // round towards the past
  reference_time_ = sign_extend_24(static_cast<std::uint32_t>(units));
  last_time_ = Timestamp{kFeedbackReferenceUnit * units};
}

bool TransportFeedbackWriter::add(std::uint16_t sequence, Timestamp arrival) {
  const auto gap = static_cast<std::uint16_t>(sequence - base_ - status_count_);
  if (gap >= 0x8000 || status_count_ + gap + 1 > 0xFFFF) return false;

  // Rounded to the nearest quarter millisecond after what a reader has computed so far: the
  // remainder is carried into the next delta.
  const Duration since = arrival - last_time_;
  const Duration half = since.count() >= 0 ? kFeedbackDeltaUnit / 2 : -kFeedbackDeltaUnit / 2;
  const std::int64_t delta = (since + half) / kFeedbackDeltaUnit;
  if (delta < INT16_MIN || delta > INT16_MAX) return false;
  const bool small = delta >= 0 && delta <= 0xFF;

  const std::size_t old_chunks = chunks_.size();
  const OpenChunk old_open = open_;
  for (std::uint16_t i = 0; i < gap; ++i) add_status(Symbol::lost);
  add_status(small ? Symbol::small_delta : Symbol::large_delta);
  delta_bytes_ += small ? 1 : 2;
  if (size() > max_size_) {
    chunks_.resize(old_chunks);
    open_ = old_open;
    delta_bytes_ -= small ? 1 : 2;
    return false;
  }
  status_count_ += gap + std::size_t{1};
  deltas_.push_back(static_cast<std::int16_t>(delta));
  last_time_ += kFeedbackDeltaUnit * delta;
  return true;
}

void TransportFeedbackWriter::add_status(Symbol symbol) {
  while (!open_.can_hold(symbol)) chunks_.push_back(open_.take());
  open_.add(symbol);
}

std::size_t TransportFeedbackWriter::unpadded_size() const {
  const std::size_t chunks = chunks_.size() + (open_.empty() ? 0 : 1);
  return kHeaderSize + kFixedSize + 2 * chunks + delta_bytes_;
}

std::size_t TransportFeedbackWriter::size() const { return padded_to_word(unpadded_size()); }

bool TransportFeedbackWriter::write_to(ByteWriter& out) const {
  if (empty() ||
      !begin_element(out, PacketType::transport_feedback, kFormatTransportFeedback, size())) {
    return false;
  }
  const std::size_t start = out.size() - kHeaderSize;
  out.u32(sender_.value());
  out.u32(media_.value());
  out.u16(base_);
  out.u16(static_cast<std::uint16_t>(status_count_));
  out.u24(static_cast<std::uint32_t>(reference_time_) & kReferenceMask);
  out.u8(feedback_count_);
  for (const std::uint16_t chunk : chunks_) out.u16(chunk);
  if (!open_.empty()) out.u16(open_.last());
  for (const std::int16_t delta : deltas_) {
    if (delta >= 0 && delta <= 0xFF) {
      out.u8(static_cast<std::uint8_t>(delta));
    } else {
      out.u16(static_cast<std::uint16_t>(delta));
    }
  }
  // Zero padding up to whole words, told by the P bit so that it is not taken for deltas.
  const std::size_t padding = size() - unpadded_size();
  if (padding > 0) {
    out.zeros(padding - 1);
    out.u8(static_cast<std::uint8_t>(padding));
    out.written()[start] = static_cast<std::uint8_t>(out.written()[start] | 0x20);
  }
  return true;
}

// What one chunk can hold: 14 statuses of one bit each, or 7 of two bits, or up to 8191 of one
// kind. `take` is asked only when the next status does not fit, so the chunk it gives is full.

bool TransportFeedbackWriter::OpenChunk::can_hold(Symbol symbol) const {
  if (size_ < 7) return true;
  if (size_ < 14 && !has_large_ && symbol != Symbol::large_delta) return true;
  return all_same_ && symbol == symbols_[0] && size_ < 0x1FFF;
}

void TransportFeedbackWriter::OpenChunk::add(Symbol symbol) {
  if (size_ < symbols_.size()) symbols_[size_] = symbol;
  ++size_;
  all_same_ = all_same_ && symbol == symbols_[0];
  has_large_ = has_large_ || symbol == Symbol::large_delta;
}

std::uint16_t TransportFeedbackWriter::OpenChunk::take() {
  if (all_same_ || (size_ == 14 && !has_large_)) {
    const std::uint16_t chunk = all_same_ ? run() : vector_of_one_bit();
    *this = OpenChunk{};
    return chunk;
  }
  // 7 to 13 statuses without a large delta, and one comes: two bits for the first 7.
  const std::uint16_t chunk = vector_of_two_bits();
  const OpenChunk old = *this;
  *this = OpenChunk{};
  for (std::size_t i = 7; i < old.size_; ++i) add(old.symbols_[i]);
  return chunk;
}

std::uint16_t TransportFeedbackWriter::OpenChunk::last() const {
  if (all_same_) return run();
  return has_large_ ? vector_of_two_bits() : vector_of_one_bit();
}

std::uint16_t TransportFeedbackWriter::OpenChunk::run() const {
  return static_cast<std::uint16_t>((static_cast<unsigned>(symbols_[0]) << 13) | size_);
}

std::uint16_t TransportFeedbackWriter::OpenChunk::vector_of_one_bit() const {
  unsigned word = 0x8000;
  for (std::size_t i = 0; i < std::min<std::size_t>(size_, 14); ++i) {
    word |= static_cast<unsigned>(symbols_[i]) << (13 - i);
  }
  return static_cast<std::uint16_t>(word);
}

std::uint16_t TransportFeedbackWriter::OpenChunk::vector_of_two_bits() const {
  unsigned word = 0xC000;
  for (std::size_t i = 0; i < std::min<std::size_t>(size_, 7); ++i) {
    word |= static_cast<unsigned>(symbols_[i]) << (12 - 2 * i);
  }
  return static_cast<std::uint16_t>(word);
}

}  // namespace parley::rtp::rtcp
