#include "parley/rtp/av1.hpp"

#include <algorithm>
#include <utility>

#include "rtp/leb128.hpp"

namespace parley::rtp {
namespace {

// Aggregation header (section 4.4).
constexpr std::uint8_t kContinues = 0x80;    // Z
constexpr std::uint8_t kGoesOn = 0x40;       // Y
constexpr std::uint8_t kNewSequence = 0x08;  // N
constexpr unsigned kCountShift = 4;          // W
constexpr std::size_t kMaxCounted = 3;
// OBU header.
constexpr std::uint8_t kHasExtension = 0x04;
constexpr std::uint8_t kHasSize = 0x02;

bool is_dropped(std::uint8_t type) {
  return type == av1::kTemporalDelimiter || type == av1::kTileList;
}

/// Calls `visit` with each OBU element of a payload; empty ones, as Pion writes them before an
/// element of 127 bytes, do not count. False when the lengths do not fit.
template <class Visit>
bool for_each_element(Bytes payload, Visit visit) {
  ByteReader in{payload};
  const unsigned count = (in.u8() >> kCountShift) & 3;
  unsigned index = 0;
  while (in.ok() && !in.at_end()) {
    ++index;
    if (index == count) {
      if (const Bytes last = in.rest(); !last.empty()) visit(last);
      return true;
    }
    const auto size = read_leb128(in);
    const Bytes element = size ? in.bytes(*size) : Bytes{};
    if (!size || !in.ok()) return false;
    if (!element.empty()) visit(element);
  }
  // W counts the elements: fewer are as wrong as none.
  return index > 0 && count == 0;
}

/// An OBU whose elements are pieces of several packets.
struct Pieces {
  std::vector<Bytes> elements;
  std::size_t size = 0;
};

void append(Bytes bytes, std::vector<std::uint8_t>& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void begin_obu(std::uint8_t header, std::optional<std::uint8_t> extension, std::size_t size,
               std::vector<std::uint8_t>& out) {
  out.push_back(static_cast<std::uint8_t>(header | kHasSize));
  if (extension) out.push_back(*extension);
  append_leb128(size, out);
}

/// Writes an element whose OBU has its size, and may not be the only one. False when it is cut off.
bool write_sized_obus(const Pieces& element, std::vector<std::uint8_t>& out) {
  std::vector<std::uint8_t> joined;
  joined.reserve(element.size);
  for (const Bytes piece : element.elements) append(piece, joined);
  const auto obus = av1::split_obus(joined);
  if (!obus) return false;
  for (const av1::Obu& obu : *obus) {
    if (is_dropped(obu.type())) continue;
    begin_obu(obu.header, obu.extension, obu.payload.size(), out);
    append(obu.payload, out);
  }
  return true;
}

/// Writes an OBU with its size field. False when it is cut off.
bool write_obu(const Pieces& obu, std::vector<std::uint8_t>& out) {
  const Bytes first = obu.elements.front();
  const std::uint8_t header = first[0];
  if ((header & kHasSize) != 0) return write_sized_obus(obu, out);
  if (is_dropped((header >> 3) & 0x0F)) return true;
  const bool extended = (header & kHasExtension) != 0;
  const std::size_t header_size = extended ? 2 : 1;
  if (first.size() < header_size) return false;
  begin_obu(header, extended ? std::optional{first[1]} : std::nullopt, obu.size - header_size, out);
  append(first.subspan(header_size), out);
  for (std::size_t i = 1; i < obu.elements.size(); ++i) append(obu.elements[i], out);
  return true;
}

bool join_unit(std::span<const Bytes> parts, std::vector<std::uint8_t>& frame) {
  std::vector<Pieces> obus;
  bool goes_on = false;
  for (const Bytes part : parts) {
    if (part.size() < 2) return false;
    const bool continues = (part[0] & kContinues) != 0;
    if (continues != goes_on) return false;
    bool first = true;
    const bool valid = for_each_element(part, [&](Bytes element) {
      const bool same = std::exchange(first, false) && continues;
      if (!same || obus.empty()) obus.emplace_back();
      obus.back().elements.push_back(element);
      obus.back().size += element.size();
    });
    if (!valid) return false;
    goes_on = (part[0] & kGoesOn) != 0;
  }
  if (goes_on) return false;
  return std::all_of(obus.begin(), obus.end(),
                     [&](const Pieces& obu) { return write_obu(obu, frame); });
}

/// What an OBU element at its beginning says of the frame: a sequence header gives the size, and a
/// frame header whether it is a key frame.
struct Glimpse {
  bool sequence_header = false;
  std::optional<bool> key_frame;  ///< of the first frame header
  av1::PictureSize size;
  std::optional<std::uint8_t> layer;  ///< temporal_id << 2 | spatial_id
};

void look_at(Bytes element, Glimpse& glimpse) {
  for (const av1::Obu& obu : av1::first_obus(element)) {
    if (!glimpse.layer) glimpse.layer = obu.layer();
    if (obu.type() == av1::kSequenceHeader) {
      glimpse.sequence_header = true;
      if (const auto size = av1::picture_size(obu.payload)) glimpse.size = *size;
    } else if ((obu.type() == av1::kFrame || obu.type() == av1::kFrameHeader) &&
               !obu.payload.empty() && !glimpse.key_frame) {
      // show_existing_frame and frame_type, KEY_FRAME is 0 (AV1 section 5.9.2).
      glimpse.key_frame = (obu.payload[0] & 0xE0) == 0;
    }
  }
}

/// The OBUs of a temporal unit as they leave: without size fields, one after another.
struct Stripped {
  struct Obu {
    Bytes payload;
    std::uint8_t header = 0;
    std::optional<std::uint8_t> extension;
    std::size_t size = 0;  ///< header, extension and payload
  };
  std::vector<Obu> obus;
  bool sequence_header = false;
};

std::optional<Stripped> strip(Bytes unit) {
  const auto obus = av1::split_obus(unit);
  if (!obus) return std::nullopt;
  Stripped out;
  for (const av1::Obu& obu : *obus) {
    if (is_dropped(obu.type()) || obu.type() == av1::kPadding) continue;
    out.sequence_header |= obu.type() == av1::kSequenceHeader;
    const auto header = static_cast<std::uint8_t>(obu.header & ~kHasSize);
    out.obus.push_back({obu.payload, header, obu.extension,
                        1 + (obu.extension ? std::size_t{1} : 0) + obu.payload.size()});
  }
  return out;
}

/// Fills payloads with OBU elements. A payload is a run of `data` behind its aggregation header.
class PayloadBuilder {
 public:
  PayloadBuilder(std::size_t room, bool new_sequence) : room_(room), new_sequence_(new_sequence) {}

  void add(const Stripped::Obu& obu) {
    // Section 5: OBUs with extension in one packet are of one layer.
    if (layer_ && obu.extension && *layer_ != (*obu.extension >> 3)) flush(false);
    std::size_t at = 0;
    while (at < obu.size) {
      std::size_t left = room_ - used_;
      // An element of a byte or two beside its length is not worth having.
      if (left < kLeastElement + 2 && used_ > 0) {
        flush(at > 0);
        left = room_ - used_;
      }
      const std::size_t rest = obu.size - at;
      // A length is written before each element, though the last of few may go without.
      const std::size_t size = std::min(rest, left - leb128_size(left));
      elements_.push_back({write(obu, at, size), size});
      used_ += leb128_size(size) + size;
      if (obu.extension) layer_ = static_cast<std::uint8_t>(*obu.extension >> 3);
      at += size;
      if (at < obu.size) flush(true);
    }
  }

  void flush(bool goes_on) {
    if (elements_.empty()) return;
    PayloadPart part;
    part.offset = data.size();
    const bool counted = elements_.size() <= kMaxCounted;
    for (std::size_t i = 0; i < elements_.size(); ++i) {
      const auto [begin, size] = elements_[i];
      if (!counted || i + 1 < elements_.size()) append_leb128(size, data);
      data.insert(data.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin),
                  bytes_.begin() + static_cast<std::ptrdiff_t>(begin + size));
    }
    part.size = data.size() - part.offset;
    part.prefix[0] =
        static_cast<std::uint8_t>((continues_ ? kContinues : 0) | (goes_on ? kGoesOn : 0) |
                                  (counted ? elements_.size() << kCountShift : 0) |
                                  (new_sequence_ && parts.empty() ? kNewSequence : 0));
    part.prefix_size = 1;
    parts.push_back(part);
    continues_ = goes_on;
    elements_.clear();
    bytes_.clear();
    used_ = 0;
    layer_.reset();
  }

  std::vector<std::uint8_t> data;
  std::vector<PayloadPart> parts;

 private:
  static constexpr std::size_t kLeastElement = 4;
  struct Element {
    std::size_t begin;  ///< in bytes_
    std::size_t size;
  };

  /// Copies `size` bytes of an OBU from `at` on to bytes_; returns where they are.
  std::size_t write(const Stripped::Obu& obu, std::size_t at, std::size_t size) {
    const std::size_t begin = bytes_.size();
    const std::size_t header = obu.size - obu.payload.size();
    for (; at < header && size > 0; ++at, --size) {
      bytes_.push_back(at == 0 ? obu.header : *obu.extension);
    }
    if (size > 0) append(obu.payload.subspan(at - header, size), bytes_);
    return begin;
  }

  std::size_t room_;
  bool new_sequence_;
  bool continues_ = false;  ///< the next payload begins within an OBU
  std::vector<Element> elements_;
  std::vector<std::uint8_t> bytes_;  ///< of elements_
  std::size_t used_ = 0;             ///< of room_
  std::optional<std::uint8_t> layer_;
};

}  // namespace

std::optional<VideoPayload> Av1Depacketizer::parse(Bytes payload) const {
  if (payload.size() < 2) return std::nullopt;
  const bool continues = (payload[0] & kContinues) != 0;
  const bool new_sequence = (payload[0] & kNewSequence) != 0;
  if (continues && new_sequence) return std::nullopt;  // section 4.4
  Glimpse glimpse;
  bool first = true;
  const bool valid = for_each_element(payload, [&](Bytes element) {
    if (std::exchange(first, false) && continues) return;
    look_at(element, glimpse);
  });
  if (!valid) return std::nullopt;
  VideoPayload out;
  out.data = payload;
  out.join = join_unit;
  // A sender that does not set N tells by the sequence header, which key frames come with.
  out.key_frame = new_sequence || (glimpse.sequence_header && glimpse.key_frame.value_or(true));
  // In "S" modes each spatial layer has one (section 5).
  const bool base_layer = (glimpse.layer.value_or(0) & 3) == 0;
  out.begins_frame = new_sequence || (glimpse.sequence_header && base_layer);
  out.may_begin_frame = !continues;
  if (glimpse.layer) {
    out.temporal_id = static_cast<std::uint8_t>(*glimpse.layer >> 2);
    out.spatial_id = static_cast<std::uint8_t>(*glimpse.layer & 3);
  }
  if (out.key_frame) {
    out.width = glimpse.size.width;
    out.height = glimpse.size.height;
  }
  return out;
}

std::vector<PayloadPart> Av1Packetizer::packetize(EncodedVideo& frame, std::size_t max_payload) {
  constexpr std::size_t kLeastRoom = 16;
  if (max_payload < kLeastRoom) return {};
  const auto unit = strip(frame.data);
  if (!unit || unit->obus.empty()) return {};
  std::size_t total = 0;
  for (const auto& obu : unit->obus) total += obu.size + leb128_size(obu.size);
  // As many payloads as needed, of about the same size each.
  const std::size_t limit = max_payload - 1;
  const std::size_t count = (total + limit - 1) / limit;
  constexpr std::size_t kSlack = 8;  // lengths of the pieces
  const std::size_t room = std::min(limit, std::max(total / count + kSlack, kLeastRoom - 1));
  PayloadBuilder out{room, frame.key_frame && unit->sequence_header};
  for (const auto& obu : unit->obus) out.add(obu);
  out.flush(false);
  frame.data = std::move(out.data);
  return std::move(out.parts);
}

}  // namespace parley::rtp
