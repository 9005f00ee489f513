#include "parley/rtp/h264.hpp"

#include <algorithm>
#include <utility>

namespace parley::rtp {
namespace {

// RFC 6184 section 5.2, table 1.
constexpr std::uint8_t kLastSingle = 23;
constexpr std::uint8_t kStapA = 24;
constexpr std::uint8_t kFuA = 28;
// First byte: forbidden_zero_bit, nal_ref_idc, type.
constexpr std::uint8_t kForbidden = 0x80;
constexpr std::uint8_t kReference = 0x60;
// FU header (section 5.8).
constexpr std::uint8_t kFuStart = 0x80;
constexpr std::uint8_t kFuEnd = 0x40;

bool is_slice(std::uint8_t type) { return type >= h264::kSlice && type <= h264::kIdrSlice; }

/// Calls `visit` with each NAL unit of a STAP-A (section 5.7.1). False when it is malformed.
template <class Visit>
bool for_each_aggregated(Bytes payload, Visit visit) {
  ByteReader in{payload.subspan(1)};
  if (in.at_end()) return false;
  while (in.ok() && !in.at_end()) {
    const Bytes nal = in.bytes(in.u16());
    if (!in.ok() || nal.empty()) return false;
    visit(nal);
  }
  return in.ok();
}

/// Adds what one NAL unit, or a piece of one, says of the packet.
void describe(std::uint8_t type, std::uint8_t reference, VideoPayload& out) {
  if (type == h264::kIdrSlice) out.key_frame = true;
  if (is_slice(type)) out.non_reference = reference == 0;
}

/// Whether a NAL unit at the front of a packet may be, or surely is, the first of its frame
/// (H.264 section 7.4.1.2.3). A slice whose first_mb_in_slice is not 0 is none.
void describe_front(std::uint8_t type, Bytes body, VideoPayload& out) {
  const bool later_slice =
      (type == h264::kSlice || type == h264::kIdrSlice) && !body.empty() && (body[0] & 0x80) == 0;
  out.may_begin_frame = !later_slice;
  out.begins_frame = type == h264::kSequenceParameters || type == h264::kAccessUnitDelimiter;
}

void describe_size(Bytes nal, VideoPayload& out) {
  if (h264::nal_type(nal) != h264::kSequenceParameters) return;
  if (const auto size = h264::picture_size(nal)) {
    out.width = size->width;
    out.height = size->height;
  }
}

bool join_frame(std::span<const Bytes> parts, std::vector<std::uint8_t>& frame) {
  bool in_fragments = false;
  for (const Bytes part : parts) {
    const std::uint8_t type = h264::nal_type(part);
    if (part.empty() || (type == kFuA && part.size() < 3)) return false;
    if (type == kFuA) {
      const bool starts = (part[1] & kFuStart) != 0;
      if (starts == in_fragments) return false;
      if (starts) {
        const auto header =
            static_cast<std::uint8_t>((part[0] & (kForbidden | kReference)) | (part[1] & 0x1F));
        h264::append_annex_b(Bytes{&header, 1}, frame);
      }
      frame.insert(frame.end(), part.begin() + 2, part.end());
      in_fragments = (part[1] & kFuEnd) == 0;
      continue;
    }
    if (in_fragments) return false;
    if (type == kStapA) {
      if (!for_each_aggregated(part, [&](Bytes nal) { h264::append_annex_b(nal, frame); })) {
        return false;
      }
    } else {
      h264::append_annex_b(part, frame);
    }
  }
  return !in_fragments;
}

/// Puts NAL units into payloads. What is written stands in `data`, which the parts refer to.
class PayloadBuilder {
 public:
  PayloadBuilder(std::size_t max_payload, std::size_t frame_size) : room_(max_payload) {
    data.reserve(frame_size + frame_size / 64);
  }

  void add_single(Bytes nal) {
    PayloadPart part;
    part.offset = data.size();
    part.size = nal.size();
    data.insert(data.end(), nal.begin(), nal.end());
    parts.push_back(part);
  }

  /// Section 5.7.1: the header has the highest nal_ref_idc and the OR of the forbidden bits.
  void add_aggregate(std::span<const Bytes> nals) {
    if (nals.size() == 1) return add_single(nals.front());
    PayloadPart part;
    part.offset = data.size();
    std::uint8_t reference = 0;
    std::uint8_t forbidden = 0;
    for (const Bytes nal : nals) {
      reference = std::max(reference, static_cast<std::uint8_t>(nal[0] & kReference));
      forbidden = static_cast<std::uint8_t>(forbidden | (nal[0] & kForbidden));
      data.push_back(static_cast<std::uint8_t>(nal.size() >> 8));
      data.push_back(static_cast<std::uint8_t>(nal.size()));
      data.insert(data.end(), nal.begin(), nal.end());
    }
    part.size = data.size() - part.offset;
    part.prefix[0] = static_cast<std::uint8_t>(forbidden | reference | kStapA);
    part.prefix_size = 1;
    parts.push_back(part);
  }

  /// Section 5.8. The header of the NAL unit is in the FU indicator and the FU header.
  void add_fragments(Bytes nal) {
    const std::size_t room = room_ - 2;
    const Bytes body = nal.subspan(1);
    const std::size_t count = (body.size() + room - 1) / room;
    const std::size_t base = data.size();
    data.insert(data.end(), body.begin(), body.end());
    for (std::size_t i = 0; i < count; ++i) {
      PayloadPart part;
      const std::size_t begin = i * body.size() / count;
      part.offset = base + begin;
      part.size = (i + 1) * body.size() / count - begin;
      part.prefix[0] = static_cast<std::uint8_t>((nal[0] & (kForbidden | kReference)) | kFuA);
      part.prefix[1] = static_cast<std::uint8_t>(h264::nal_type(nal) | (i == 0 ? kFuStart : 0) |
                                                 (i + 1 == count ? kFuEnd : 0));
      part.prefix_size = 2;
      parts.push_back(part);
    }
  }

  std::vector<std::uint8_t> data;
  std::vector<PayloadPart> parts;

 private:
  std::size_t room_;
};

}  // namespace

std::optional<VideoPayload> H264Depacketizer::parse(Bytes payload) const {
  if (payload.empty()) return std::nullopt;
  VideoPayload out;
  out.data = payload;
  out.join = join_frame;
  const std::uint8_t type = h264::nal_type(payload);
  const auto reference = static_cast<std::uint8_t>(payload[0] & kReference);
  if (type >= 1 && type <= kLastSingle) {
    describe_front(type, payload.subspan(1), out);
    describe(type, reference, out);
    describe_size(payload, out);
    return out;
  }
  if (type == kFuA) {
    if (payload.size() < 3) return std::nullopt;
    const auto inner = static_cast<std::uint8_t>(payload[1] & 0x1F);
    const bool starts = (payload[1] & kFuStart) != 0;
    // No aggregate is fragmented (section 5.8).
    if (inner == 0 || inner > kLastSingle) return std::nullopt;
    if (starts) describe_front(inner, payload.subspan(2), out);
    describe(inner, reference, out);
    return out;
  }
  if (type != kStapA) return std::nullopt;
  bool front = true;
  const bool valid = for_each_aggregated(payload, [&](Bytes nal) {
    if (std::exchange(front, false)) describe_front(h264::nal_type(nal), nal.subspan(1), out);
    describe(h264::nal_type(nal), static_cast<std::uint8_t>(nal[0] & kReference), out);
    describe_size(nal, out);
  });
  if (!valid) return std::nullopt;
  return out;
}

std::vector<PayloadPart> H264Packetizer::packetize(EncodedVideo& frame, std::size_t max_payload) {
  // An IDR picture without parameter sets goes out as it is when none are known: the receiver may
  // have them from its description.
  parameters_.complete(frame.data);
  const auto nals = h264::split_annex_b(frame.data);
  constexpr std::size_t kLeastRoom = 8;
  if (nals.empty() || max_payload < kLeastRoom) return {};
  PayloadBuilder out{max_payload, frame.data.size()};
  std::vector<Bytes> together;  // NAL units that fit into one STAP-A
  std::size_t together_size = 1;
  const auto flush = [&] {
    if (!together.empty()) out.add_aggregate(together);
    together.clear();
    together_size = 1;
  };
  for (const Bytes nal : nals) {
    // Types that mean something else in RTP payloads, and that no decoder knows.
    if (h264::nal_type(nal) == 0 || h264::nal_type(nal) > kLastSingle) continue;
    if (mode_ == Mode::single_nal_units) {
      if (nal.size() > max_payload) return {};
      out.add_single(nal);
      continue;
    }
    if (nal.size() > max_payload) {
      flush();
      out.add_fragments(nal);
      continue;
    }
    if (together_size + 2 + nal.size() > max_payload || nal.size() > 0xFFFF) flush();
    together.push_back(nal);
    together_size += 2 + nal.size();
  }
  flush();
  frame.data = std::move(out.data);
  return std::move(out.parts);
}

}  // namespace parley::rtp
