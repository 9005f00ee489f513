#include "parley/rtp/extensions.hpp"

#include <string>

namespace parley::rtp {
namespace {

constexpr std::array<std::string_view, kExtensionCount> kUris = {
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "urn:3gpp:video-orientation",
};

constexpr std::size_t kMaxTextSize = 255;  // RFC 7941 section 4.1: one length byte

/// Calls `visit(extension, size, write)` for every value that is set; `write` fills the value.
template <class Visit>
void for_each_value(const HeaderExtensions& values, Visit visit) {
  const auto text = [&](Extension kind, const std::optional<std::string_view>& value) {
    if (!value || value->empty() || value->size() > kMaxTextSize) return;
    visit(kind, value->size(), [&](ByteWriter& out) { out.bytes(as_bytes(*value)); });
  };
  const auto composite = [&](Extension kind, const auto& value, std::size_t size) {
    if (value) visit(kind, size, [&](ByteWriter& out) { value->write_to(out); });
  };
  text(Extension::mid, values.mid);
  text(Extension::rid, values.rid);
  text(Extension::repaired_rid, values.repaired_rid);
  composite(Extension::audio_level, values.audio_level, AudioLevel::kSize);
  composite(Extension::abs_send_time, values.abs_send_time, AbsSendTime::kSize);
  if (values.transport_sequence_number) {
    visit(Extension::transport_sequence_number, std::size_t{2},
          [&](ByteWriter& out) { out.u16(*values.transport_sequence_number); });
  }
  composite(Extension::abs_capture_time, values.abs_capture_time,
            values.abs_capture_time ? values.abs_capture_time->size() : 0);
  composite(Extension::playout_delay, values.playout_delay, PlayoutDelay::kSize);
  composite(Extension::video_orientation, values.video_orientation, VideoOrientation::kSize);
}

/// Stores what `value` parses to, unless an earlier element of the kind was good.
template <class T>
void keep_first(std::optional<T>& slot, std::optional<T> value) {
  if (!slot) slot = value;
}

std::optional<std::string_view> parse_text(Bytes value) {
  if (value.empty()) return std::nullopt;
  return as_text(value);
}

std::optional<std::uint16_t> parse_u16(Bytes value) {
  if (value.size() != 2) return std::nullopt;
  return load_be16(value.data());
}

}  // namespace

std::string_view extension_uri(Extension extension) {
  return kUris[static_cast<std::size_t>(extension)];
}

std::optional<Extension> extension_from_uri(std::string_view uri) {
  for (std::size_t i = 0; i < kUris.size(); ++i) {
    if (kUris[i] == uri) return static_cast<Extension>(i);
  }
  return std::nullopt;
}

Result<void> ExtensionMap::add(std::uint8_t id, Extension kind) {
  if (id == 0) return Error{Errc::invalid_argument, "extmap id 0"};
  const auto present = extension(id);
  if (present && *present != kind) {
    return Error{Errc::invalid_argument,
                 "extmap id " + std::to_string(id) + " is " + std::string{extension_uri(*present)}};
  }
  ids_[static_cast<std::size_t>(kind)] = id;
  return {};
}

Result<void> ExtensionMap::add(std::uint8_t id, std::string_view uri) {
  const auto kind = extension_from_uri(uri);
  return kind ? add(id, *kind) : Result<void>{};
}

std::optional<std::uint8_t> ExtensionMap::id(Extension kind) const {
  const std::uint8_t id = ids_[static_cast<std::size_t>(kind)];
  if (id == 0) return std::nullopt;
  return id;
}

std::optional<Extension> ExtensionMap::extension(std::uint8_t id) const {
  for (std::size_t i = 0; id != 0 && i < ids_.size(); ++i) {
    if (ids_[i] == id) return static_cast<Extension>(i);
  }
  return std::nullopt;
}

HeaderExtensions HeaderExtensions::parse(const PacketView& packet, const ExtensionMap& map) {
  HeaderExtensions values;
  for (const auto& [id, value] : packet.extensions()) {
    const auto kind = map.extension(id);
    if (!kind) continue;
    switch (*kind) {
      case Extension::mid:
        keep_first(values.mid, parse_text(value));
        break;
      case Extension::rid:
        keep_first(values.rid, parse_text(value));
        break;
      case Extension::repaired_rid:
        keep_first(values.repaired_rid, parse_text(value));
        break;
      case Extension::audio_level:
        keep_first(values.audio_level, AudioLevel::parse(value));
        break;
      case Extension::abs_send_time:
        keep_first(values.abs_send_time, AbsSendTime::parse(value));
        break;
      case Extension::transport_sequence_number:
        keep_first(values.transport_sequence_number, parse_u16(value));
        break;
      case Extension::abs_capture_time:
        keep_first(values.abs_capture_time, AbsCaptureTime::parse(value));
        break;
      case Extension::playout_delay:
        keep_first(values.playout_delay, PlayoutDelay::parse(value));
        break;
      case Extension::video_orientation:
        keep_first(values.video_orientation, VideoOrientation::parse(value));
        break;
    }
  }
  return values;
}

ExtensionForm HeaderExtensions::form(const ExtensionMap& map) const {
  auto form = ExtensionForm::one_byte;
  for_each_value(*this, [&](Extension kind, std::size_t size, auto&&) {
    const auto id = map.id(kind);
    if (id && (*id > 14 || size > 16)) form = ExtensionForm::two_byte;
  });
  return form;
}

std::size_t HeaderExtensions::block_size(const ExtensionMap& map) const {
  const std::size_t head = form(map) == ExtensionForm::one_byte ? 1 : 2;
  std::size_t total = 0;
  for_each_value(*this, [&](Extension kind, std::size_t size, auto&&) {
    if (map.has(kind)) total += head + size;
  });
  return total == 0 ? 0 : 4 + (total + 3) / 4 * 4;
}

void HeaderExtensions::write_to(PacketWriter& out, const ExtensionMap& map) const {
  for_each_value(*this, [&](Extension kind, std::size_t size, auto&& write) {
    const auto id = map.id(kind);
    if (!id) return;
    ByteWriter room{out.reserve_extension(*id, size)};
    write(room);
  });
}

bool set_transport_sequence_number(MutableBytes packet, const ExtensionMap& map,
                                   std::uint16_t number) {
  const auto id = map.id(Extension::transport_sequence_number);
  const auto value = id ? mutable_extension(packet, *id) : std::nullopt;
  if (!value || value->size() != 2) return false;
  store_be16(value->data(), number);
  return true;
}

bool set_abs_send_time(MutableBytes packet, const ExtensionMap& map, AbsSendTime time) {
  const auto id = map.id(Extension::abs_send_time);
  const auto value = id ? mutable_extension(packet, *id) : std::nullopt;
  if (!value || value->size() != AbsSendTime::kSize) return false;
  store_be24(value->data(), time.value);
  return true;
}

}  // namespace parley::rtp
