#include "sdp/attribute_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "sdp/base64.hpp"
#include "sdp/text.hpp"

namespace parley::sdp {
namespace {

using text::number;
using text::take_until;
using text::take_word;

/// Keeps the first value of an attribute that may stand once; later ones stay as text.
Outcome set_once(std::optional<std::string>& field, std::string_view value) {
  if (field) return Outcome::unknown;
  field = std::string(value);
  return Outcome::taken;
}

// ---- transport attributes, at either level ----

/// RFC 8839 section 5.4 gives the lengths; characters outside ice-char are let through because
/// deployed peers use them.
Outcome read_credential(std::optional<std::string>& field, std::string_view value,
                        std::size_t least) {
  if (value.size() < least || value.size() > 256) return Outcome::broken;
  if (value.find_first_of(" \t") != std::string_view::npos) return Outcome::broken;
  if (field && *field != value) return Outcome::broken;
  field = std::string(value);
  return Outcome::taken;
}

/// Ours: what is beyond is dropped, so that all options fit one line again.
constexpr std::size_t kMaxIceOptions = 64;
constexpr std::size_t kMaxIceOptionBytes = 64;

/// libdatachannel separates the tokens with commas ("ice2,trickle").
Outcome read_ice_options(std::vector<std::string>& options, std::string_view value) {
  while (!value.empty()) {
    const std::size_t n = value.find_first_of(" \t,");
    const std::string_view token = value.substr(0, n);
    value = n == std::string_view::npos ? std::string_view{} : value.substr(n + 1);
    if (token.empty() || token.size() > kMaxIceOptionBytes) continue;
    if (options.size() < kMaxIceOptions) options.emplace_back(token);
  }
  return Outcome::taken;
}

Outcome read_fingerprint(std::vector<Fingerprint>& fingerprints, std::string_view value) {
  Fingerprint f;
  f.algorithm = take_word(value);
  std::transform(f.algorithm.begin(), f.algorithm.end(), f.algorithm.begin(), text::lower);
  f.value = value;
  std::transform(f.value.begin(), f.value.end(), f.value.begin(), text::upper);
  if (f.value.empty() || f.value.find_first_not_of("0123456789ABCDEF:") != std::string::npos) {
    return Outcome::broken;
  }
  if (std::find(fingerprints.begin(), fingerprints.end(), f) == fingerprints.end()) {
    fingerprints.push_back(std::move(f));
  }
  return Outcome::taken;
}

Outcome read_setup(std::optional<Setup>& field, std::string_view value) {
  for (const Setup s : {Setup::active, Setup::passive, Setup::actpass, Setup::holdconn}) {
    if (!text::equal_in_any_case(value, to_string(s))) continue;
    if (field && *field != s) return Outcome::broken;
    field = s;
    return Outcome::taken;
  }
  return Outcome::broken;
}

Outcome read_transport(TransportAttributes& transport, AttributeText a) {
  if (!a.has_value) return Outcome::unknown;
  if (a.name == "ice-ufrag") return read_credential(transport.ice_ufrag, a.value, 4);
  if (a.name == "ice-pwd") return read_credential(transport.ice_pwd, a.value, 22);
  if (a.name == "ice-options") return read_ice_options(transport.ice_options, a.value);
  if (a.name == "fingerprint") return read_fingerprint(transport.fingerprints, a.value);
  if (a.name == "setup") return read_setup(transport.setup, a.value);
  if (a.name == "tls-id") {
    return a.value.empty() ? Outcome::unknown : set_once(transport.tls_id, a.value);
  }
  return Outcome::unknown;
}

// ---- attributes of both levels ----

std::optional<Direction> direction_named(std::string_view name) {
  for (const Direction d :
       {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive}) {
    if (name == to_string(d)) return d;
  }
  return std::nullopt;
}

/// "3/sendonly urn:... parameters" (RFC 8285 section 8).
Outcome read_extmap(std::vector<Extmap>& extmaps, std::string_view value) {
  Extmap e;
  std::string_view head = take_word(value);
  const auto id = number<std::uint16_t>(take_until(head, '/'));
  if (!head.empty()) e.direction = direction_named(head);
  e.uri = take_word(value);
  e.parameters = value;
  if (!id || *id == 0 || e.uri.empty() || (!head.empty() && !e.direction)) return Outcome::unknown;
  e.id = *id;
  extmaps.push_back(std::move(e));
  return Outcome::taken;
}

Outcome read_group(std::vector<Group>& groups, std::string_view value) {
  Group g;
  g.semantics = take_word(value);
  if (g.semantics.empty()) return Outcome::unknown;
  for (auto mid = take_word(value); !mid.empty(); mid = take_word(value)) {
    g.mids.emplace_back(std::string(mid));
  }
  groups.push_back(std::move(g));
  return Outcome::taken;
}

// ---- formats ----

Format* format_of(Media& media, std::string_view payload_type) {
  const auto n = number<std::uint8_t>(payload_type);
  if (!n) return nullptr;
  for (Format& f : media.formats) {
    if (f.payload_type.value() == *n) return &f;
  }
  return nullptr;
}

/// "111 opus/48000/2" (RFC 8866 section 6.6). The map of a payload type that the m= line does not
/// list is kept as text.
Outcome read_rtpmap(Media& media, std::string_view value) {
  Format* format = format_of(media, take_word(value));
  if (format == nullptr || !format->name.empty()) return Outcome::unknown;
  const std::string_view name = text::trim(take_until(value, '/'));
  const auto rate = number<std::uint32_t>(text::trim(take_until(value, '/')));
  const std::string_view channels = text::trim(value);
  if (name.empty() || name.find_first_of(" \t") != std::string_view::npos) return Outcome::broken;
  if (!rate || *rate == 0 || *rate > 100'000'000) return Outcome::broken;
  const auto count = channels.empty() ? std::uint8_t{1} : number<std::uint8_t>(channels);
  if (!count || *count == 0) return Outcome::broken;
  format->name = name;
  format->clock_rate = static_cast<int>(*rate);
  format->channels = *count;
  // GStreamer leaves the channels of Opus out while its caps are not complete. There is only one
  // thing that it can mean (RFC 7587 section 7: always two).
  if (channels.empty() && text::equal_in_any_case(name, "opus")) format->channels = 2;
  return Outcome::taken;
}

/// Parameters of one payload type on several lines add up.
Outcome read_fmtp(Media& media, std::string_view value) {
  Format* format = format_of(media, take_word(value));
  if (format == nullptr || value.empty()) return Outcome::unknown;
  if (format->fmtp.size() + value.size() + 16 > kMaxLineBytes) return Outcome::unknown;
  if (!format->fmtp.empty()) format->fmtp += ';';
  format->fmtp += value;
  return Outcome::taken;
}

Outcome read_feedback(Media& media, std::string_view value) {
  const std::string_view which = take_word(value);
  Format* format = format_of(media, which);
  if ((format == nullptr && which != "*") || value.empty()) return Outcome::unknown;
  auto& list = format != nullptr ? format->feedback : media.wildcard_feedback;
  std::string feedback = text::single_spaced(value);
  if (std::find(list.begin(), list.end(), feedback) == list.end()) {
    list.push_back(std::move(feedback));
  }
  return Outcome::taken;
}

// ---- streams ----

Outcome read_ssrc(Media& media, std::string_view value) {
  const auto ssrc = number<std::uint32_t>(take_word(value));
  if (!ssrc || value.empty()) return Outcome::unknown;
  const std::string_view name = take_until(value, ':');
  if (name.empty() || name.find_first_of(" \t") != std::string_view::npos) return Outcome::unknown;
  media.ssrcs.push_back({Ssrc{*ssrc}, std::string(name), std::string(text::trim(value))});
  return Outcome::taken;
}

Outcome read_ssrc_group(Media& media, std::string_view value) {
  SsrcGroup group;
  group.semantics = take_word(value);
  for (auto word = take_word(value); !word.empty(); word = take_word(value)) {
    const auto ssrc = number<std::uint32_t>(word);
    if (!ssrc) return Outcome::unknown;
    group.ssrcs.emplace_back(*ssrc);
  }
  if (group.ssrcs.empty()) return Outcome::unknown;
  media.ssrc_groups.push_back(std::move(group));
  return Outcome::taken;
}

Outcome read_msid(Media& media, std::string_view value) {
  Msid msid;
  msid.stream_id = take_word(value);
  msid.track_id = take_word(value);
  if (msid.stream_id.empty() || !value.empty()) return Outcome::unknown;
  media.msids.push_back(std::move(msid));
  return Outcome::taken;
}

Outcome read_rid(Media& media, std::string_view value) {
  RidAttribute rid;
  rid.id = Rid{std::string(take_word(value))};
  const std::string_view direction = take_word(value);
  if (rid.id.value().empty() || (direction != "send" && direction != "recv")) {
    return Outcome::unknown;
  }
  rid.send = direction == "send";
  rid.restrictions = value;
  media.rids.push_back(std::move(rid));
  return Outcome::taken;
}

/// "hi,~h2;lo": streams between semicolons, alternatives between commas (RFC 8853 section 5.1).
std::optional<SimulcastStreams> parse_simulcast_streams(std::string_view list) {
  SimulcastStreams streams;
  while (!list.empty()) {
    std::string_view alternatives = take_until(list, ';');
    std::vector<SimulcastRid> stream;
    while (!alternatives.empty()) {
      std::string_view id = take_until(alternatives, ',');
      SimulcastRid rid;
      rid.paused = id.starts_with('~');
      if (rid.paused) id.remove_prefix(1);
      if (id.empty() || id.find('=') != std::string_view::npos) return std::nullopt;
      rid.id = Rid{std::string(id)};
      stream.push_back(std::move(rid));
    }
    if (stream.empty()) return std::nullopt;
    streams.push_back(std::move(stream));
  }
  return streams;
}

Outcome read_simulcast(Media& media, std::string_view value) {
  if (media.simulcast) return Outcome::unknown;
  Simulcast simulcast;
  while (!value.empty()) {
    const std::string_view direction = take_word(value);
    auto streams = parse_simulcast_streams(take_word(value));
    if (!streams || streams->empty()) return Outcome::unknown;
    SimulcastStreams* target = direction == "send"   ? &simulcast.send
                               : direction == "recv" ? &simulcast.receive
                                                     : nullptr;
    if (target == nullptr || !target->empty()) return Outcome::unknown;
    *target = std::move(*streams);
  }
  if (simulcast == Simulcast{}) return Outcome::unknown;
  media.simulcast = std::move(simulcast);
  return Outcome::taken;
}

// ---- the rest of a section ----

Outcome read_mid(Media& media, std::string_view value) {
  if (value.empty() || value.find_first_of(" \t") != std::string_view::npos) {
    return Outcome::broken;
  }
  if (media.mid) return Outcome::broken;
  media.mid = Mid{std::string(value)};
  return Outcome::taken;
}

template <class T>
Outcome read_number(std::optional<T>& field, std::string_view value) {
  const auto n = number<T>(value);
  if (!n) return Outcome::broken;
  if (field) return Outcome::unknown;
  field = *n;
  return Outcome::taken;
}

Outcome read_flag(Media& media, std::string_view name) {
  const auto set = [](bool& flag) {
    flag = true;
    return Outcome::taken;
  };
  if (name == "rtcp-mux") return set(media.rtcp_mux);
  if (name == "rtcp-mux-only") return set(media.rtcp_mux_only);
  if (name == "rtcp-rsize") return set(media.rtcp_reduced_size);
  if (name == "bundle-only") return set(media.bundle_only);
  if (name == "end-of-candidates") return set(media.end_of_candidates);
  if (name == "extmap-allow-mixed") return set(media.extmap_allow_mixed);
  const auto direction = direction_named(name);
  if (!direction || media.direction) return Outcome::unknown;
  media.direction = direction;
  return Outcome::taken;
}

Outcome read_rtcp(Media& media, std::string_view value) {
  if (value.empty() || !media.rtcp.empty()) return Outcome::unknown;
  media.rtcp = value;
  return Outcome::taken;
}

template <class Part>
Outcome read_candidate(Part& part, std::string_view value) {
  if (value.empty()) return Outcome::unknown;
  part.candidates.push_back("candidate:" + std::string(value));
  return Outcome::taken;
}

Outcome read_sctpmap(Media& media, std::string_view value) {
  return set_once(media.sctpmap, value);
}
Outcome read_sctp_port(Media& media, std::string_view value) {
  return read_number(media.sctp_port, value);
}
Outcome read_max_message_size(Media& media, std::string_view value) {
  return read_number(media.max_message_size, value);
}
/// draft-hancke-tsvwg-snap: what is not base64 is ignored.
Outcome read_sctp_init(Media& media, std::string_view value) {
  auto bytes = base64::decode(value);
  if (!bytes || bytes->empty() || !media.sctp_init.empty()) return Outcome::unknown;
  media.sctp_init = std::move(*bytes);
  return Outcome::taken;
}
Outcome read_media_extmap(Media& media, std::string_view value) {
  return read_extmap(media.extmaps, value);
}

struct Reader {
  std::string_view name;
  Outcome (*read)(Media&, std::string_view value);
};
constexpr std::array kMediaReaders{
    Reader{"rtcp-fb", read_feedback},
    Reader{"rtpmap", read_rtpmap},
    Reader{"fmtp", read_fmtp},
    Reader{"extmap", read_media_extmap},
    Reader{"candidate", read_candidate<Media>},
    Reader{"ssrc", read_ssrc},
    Reader{"mid", read_mid},
    Reader{"msid", read_msid},
    Reader{"ssrc-group", read_ssrc_group},
    Reader{"rid", read_rid},
    Reader{"simulcast", read_simulcast},
    Reader{"rtcp", read_rtcp},
    Reader{"sctp-port", read_sctp_port},
    Reader{"max-message-size", read_max_message_size},
    Reader{"sctpmap", read_sctpmap},
    Reader{"sctp-init", read_sctp_init},
};

}  // namespace

AttributeText AttributeText::parse(std::string_view after_equals) {
  AttributeText a;
  a.has_value = after_equals.find(':') != std::string_view::npos;
  a.name = text::trim(take_until(after_equals, ':'));
  a.value = text::trim(after_equals);
  return a;
}

Outcome read_session_attribute(Description& d, AttributeText a) {
  const Outcome transport = read_transport(d.transport, a);
  if (transport != Outcome::unknown) return transport;
  if (a.has_value) {
    if (a.name == "group") return read_group(d.groups, a.value);
    if (a.name == "msid-semantic") return set_once(d.msid_semantic, a.value);
    if (a.name == "extmap") return read_extmap(d.extmaps, a.value);
    if (a.name == "candidate") return read_candidate(d, a.value);
    return Outcome::unknown;
  }
  if (a.name == "ice-lite") d.ice_lite = true;
  if (a.name == "extmap-allow-mixed") d.extmap_allow_mixed = true;
  if (a.name == "end-of-candidates") d.end_of_candidates = true;
  if (a.name == "ice-lite" || a.name == "extmap-allow-mixed" || a.name == "end-of-candidates") {
    return Outcome::taken;
  }
  const auto direction = direction_named(a.name);
  if (!direction || d.direction) return Outcome::unknown;
  d.direction = direction;
  return Outcome::taken;
}

Outcome read_media_attribute(Media& media, AttributeText a) {
  if (!a.has_value) return read_flag(media, a.name);
  for (const Reader& reader : kMediaReaders) {
    if (a.name == reader.name) return reader.read(media, a.value);
  }
  return read_transport(media.transport, a);
}

}  // namespace parley::sdp
