// Compound RTCP datagrams from what streams and trackers have to say.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/ids.hpp"
#include "parley/rtp/rtcp.hpp"

namespace parley::rtp {

/// Lays out reports and feedback in datagrams (RFC 3550 section 6.1, RFC 5506). Pure but for one
/// number: where the rotation of report blocks stands when they do not fit all at once
/// (RFC 3550 section 6.1: every source gets its turn). No clock, no streams, no callbacks.
///
///   builder.begin(storage);
///   builder.add_reports(local_ssrc, sender_reports, blocks);   // regular report only
///   builder.add_sdes(local_ssrc, cname);
///   builder.add(rtcp::Pli{...});                               // any element, as it fits
///   transmit(builder.finish());
class ReportBuilder {
 public:
  /// Begins a datagram in `storage`; give it the MTU less SRTCP's trailer.
  void begin(MutableBytes storage);
  /// Sender reports first, then receiver reports, with as many of `blocks` as fit beside
  /// `reserve` bytes for what follows (SDES, feedback): in the sender reports, 31 each, then in
  /// receiver reports of `sender`. With nothing to say, an empty receiver report, because a full
  /// compound begins with one. Returns the number of blocks written.
  std::size_t add_reports(Ssrc sender, std::span<const rtcp::SenderReport> sender_reports,
                          std::span<const rtcp::ReportBlock> blocks, std::size_t reserve = 0);
  /// A chunk with the CNAME for each SSRC (RFC 3550 section 6.5: required in every full compound).
  /// False when it does not fit.
  bool add_sdes(std::span<const Ssrc> sources, std::string_view cname);
  /// NACK for `lost`, which ascends; as many as fit. Returns how many were written.
  std::size_t add_nack(Ssrc sender, Ssrc media, std::span<const std::uint16_t> lost);
  /// Any other element (PLI, FIR, REMB, XR, BYE). False when it does not fit: finish this datagram
  /// and begin another.
  template <class Element>
  bool add(const Element& element) {
    return element.write_to(out_);
  }
  /// For elements that write themselves (TransportFeedbackRecorder::build).
  ByteWriter& writer() { return out_; }
  bool empty() const { return out_.size() == 0; }
  /// The datagram; empty when nothing was added.
  MutableBytes finish() const { return out_.written(); }

 private:
  ByteWriter out_{MutableBytes{}};
  std::size_t next_block_ = 0;
};

}  // namespace parley::rtp
