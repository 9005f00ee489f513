#include "parley/rtp/rtcp/congestion_feedback.hpp"

#include "rtp/rtcp/wire.hpp"

namespace parley::rtp::rtcp {
namespace {

constexpr std::size_t kMaxMetrics = 16384;  // RFC 8888 section 3.1
constexpr std::uint16_t kReceived = 0x8000;
constexpr std::uint16_t kOffsetMask = 0x1FFF;

CongestionFeedback::Metric read_metric(std::uint16_t word) {
  // RFC 8888 section 3.1: the other bits of a packet not received are ignored.
  if ((word & kReceived) == 0) return {};
  return {true, static_cast<Ecn>((word >> 13) & 3), static_cast<std::uint16_t>(word & kOffsetMask)};
}

std::uint16_t build_metric(const CongestionFeedback::Metric& metric) {
  if (!metric.received) return 0;
  return static_cast<std::uint16_t>(kReceived | (static_cast<unsigned>(metric.ecn) << 13) |
                                    (metric.arrival_offset & kOffsetMask));
}

/// Metrics and the padding of an odd one.
std::size_t metrics_size(std::size_t count) { return padded_to_word(2 * count); }

}  // namespace

std::optional<Duration> CongestionFeedback::Metric::age() const {
  if (!received || arrival_offset >= kOffsetOverRange) return std::nullopt;
  return Duration{std::int64_t{arrival_offset} * 1'000'000 / 1024};
}

std::optional<CongestionFeedback> CongestionFeedback::parse(const SubPacket& sub) {
  if (!sub.is(PacketType::transport_feedback, kFormatCongestionFeedback)) return std::nullopt;
  ByteReader in{sub.body};
  CongestionFeedback feedback;
  feedback.sender = read_ssrc(in);
  while (in.ok() && in.remaining() > 4) {
    Stream stream;
    stream.source = read_ssrc(in);
    stream.begin_sequence = in.u16();
    // The text of section 3.1 has the range "begin_seq to begin_seq+num_reports inclusive" and also
    // a num_reports of 0 for no metrics. Endpoints take it as the count, as is done here.
    const std::size_t count = in.u16();
    if (!in.ok() || count > kMaxMetrics || metrics_size(count) > in.remaining())
      return std::nullopt;
    stream.metrics.reserve(count);
    for (std::size_t i = 0; i < count; ++i) stream.metrics.push_back(read_metric(in.u16()));
    if (count % 2 != 0) in.skip(2);
    feedback.streams.push_back(std::move(stream));
  }
  feedback.report_timestamp = in.u32();
  if (!in.ok()) return std::nullopt;
  return feedback;
}

std::size_t CongestionFeedback::size() const {
  std::size_t total = kHeaderSize + 4 + 4;
  for (const Stream& stream : streams) total += 8 + metrics_size(stream.metrics.size());
  return total;
}

bool CongestionFeedback::write_to(ByteWriter& out) const {
  for (const Stream& stream : streams) {
    if (stream.metrics.size() > kMaxMetrics) return false;
  }
  if (!begin_element(out, PacketType::transport_feedback, kFormatCongestionFeedback, size())) {
    return false;
  }
  out.u32(sender.value());
  for (const Stream& stream : streams) {
    out.u32(stream.source.value());
    out.u16(stream.begin_sequence);
    out.u16(static_cast<std::uint16_t>(stream.metrics.size()));
    for (const Metric& metric : stream.metrics) out.u16(build_metric(metric));
    if (stream.metrics.size() % 2 != 0) out.u16(0);
  }
  out.u32(report_timestamp);
  return true;
}

}  // namespace parley::rtp::rtcp
