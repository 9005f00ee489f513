#include "parley/rtp/report_builder.hpp"

#include <algorithm>

namespace parley::rtp {
namespace {
constexpr std::size_t kReportHeader = 8;         // RR without blocks (RFC 3550 section 6.4.2)
constexpr std::size_t kSenderReportHeader = 28;  // SR without blocks (section 6.4.1)
constexpr std::size_t kNackHeader = 12;          // RFC 4585 section 6.2.1

// Report blocks in order of the rotation, each once.
class Rotation {
 public:
  Rotation(std::span<const rtcp::ReportBlock> blocks, std::size_t start)
      : blocks_(blocks), start_(blocks.empty() ? 0 : start % blocks.size()) {}

  // As many of the next blocks as fit into `room` bytes, 31 at most.
  std::vector<rtcp::ReportBlock> take(std::size_t room) {
    const std::size_t count =
        std::min({room / rtcp::ReportBlock::kSize, rtcp::kMaxCount, blocks_.size() - taken_});
    std::vector<rtcp::ReportBlock> result;
    result.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      result.push_back(blocks_[(start_ + taken_ + i) % blocks_.size()]);
    taken_ += count;
    return result;
  }
  std::size_t taken() const { return taken_; }
  bool done() const { return taken_ == blocks_.size(); }
  std::size_t next() const { return start_ + taken_; }

 private:
  std::span<const rtcp::ReportBlock> blocks_;
  std::size_t start_;
  std::size_t taken_ = 0;
};
}  // namespace

void ReportBuilder::begin(MutableBytes storage) { out_ = ByteWriter{storage}; }

std::size_t ReportBuilder::add_reports(Ssrc sender,
                                       std::span<const rtcp::SenderReport> sender_reports,
                                       std::span<const rtcp::ReportBlock> blocks,
                                       std::size_t reserve) {
  Rotation rotation{blocks, next_block_};
  const auto room = [&](std::size_t needed) {
    const std::size_t taken = needed + reserve;
    return out_.remaining() > taken ? out_.remaining() - taken : std::size_t{0};
  };
  // The sender reports come without blocks; each that is yet to come keeps its 28 bytes.
  std::size_t senders_left = sender_reports.size();
  for (const rtcp::SenderReport& sr : sender_reports) {
    rtcp::SenderReport report = sr;
    report.blocks = rotation.take(room(senders_left * kSenderReportHeader));
    --senders_left;
    if (!report.write_to(out_)) break;
  }
  bool first = out_.size() == 0;
  while (first || (!rotation.done() && room(kReportHeader) >= rtcp::ReportBlock::kSize)) {
    first = false;
    const rtcp::ReceiverReport report{sender, rotation.take(room(kReportHeader))};
    if (!report.write_to(out_)) break;
  }
  // Whoever had no room goes first next time.
  next_block_ = rotation.done() ? 0 : rotation.next() % blocks.size();
  return rotation.taken();
}

bool ReportBuilder::add_sdes(std::span<const Ssrc> sources, std::string_view cname) {
  rtcp::Sdes sdes;
  for (const Ssrc source : sources.first(std::min(sources.size(), rtcp::kMaxCount)))
    sdes.chunks.push_back({source, cname, {}});
  return sdes.write_to(out_);
}

std::size_t ReportBuilder::add_nack(Ssrc sender, Ssrc media, std::span<const std::uint16_t> lost) {
  if (lost.empty() || out_.remaining() < kNackHeader + 4) return 0;
  const auto nack = rtcp::Nack::build(
      sender, media, lost, std::min<std::size_t>(253, (out_.remaining() - kNackHeader) / 4));
  if (!nack.write_to(out_)) return 0;
  return nack.sequence_numbers().size();
}

}  // namespace parley::rtp
