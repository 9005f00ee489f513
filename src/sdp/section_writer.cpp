#include "sdp/section_writer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sdp/simulcast.hpp"

namespace parley::jsep {
namespace {

using sdp::Description;
using sdp::Extmap;
using sdp::Format;
using sdp::Media;

constexpr char kNoAddress[] = "IN IP4 0.0.0.0";  // RFC 8840 section 4.1.1
constexpr std::uint16_t kDiscardPort = 9;        // likewise

// ---- our streams, in offers and answers alike ----

bool has_rtx(const Media& section) {
  return std::any_of(section.formats.begin(), section.formats.end(),
                     [](const Format& f) { return role_of(f.name) == CodecRole::rtx; });
}

/// The lines about what we send. SSRCs are told for peers that do not route by MID and RID; with
/// simulcast they are not (RFC 8853 section 5.5 routes by RID).
void write_sender(const State& state, const Transceiver& t, Media& section) {
  if (!sends(*section.direction)) return;
  std::vector<std::string> streams = streams_to_announce(t);
  if (streams.empty()) streams.emplace_back("-");  // RFC 8830 section 2: no stream
  for (std::string& s : streams) section.msids.push_back({std::move(s), t.track_id});
  if (section.simulcast) return;
  std::vector<Ssrc> ssrcs{t.ssrc};
  if (has_rtx(section)) {
    ssrcs.push_back(t.rtx_ssrc);
    section.ssrc_groups.push_back({"FID", ssrcs});
  }
  for (const Ssrc ssrc : ssrcs) {
    section.ssrcs.push_back({ssrc, "cname", state.cname});
    section.ssrcs.push_back(
        {ssrc, "msid", section.msids[0].stream_id + " " + section.msids[0].track_id});
  }
}

Media rtp_section(MediaKind kind, std::string protocol) {
  Media m;
  m.kind = kind == MediaKind::audio ? "audio" : "video";
  m.port = kDiscardPort;
  m.protocol = std::move(protocol);
  m.connection = kNoAddress;
  m.rtcp_mux = true;
  return m;
}

Format rtx_format(PayloadType type, PayloadType base, int clock_rate) {
  return {type, "rtx", clock_rate, 1, "apt=" + std::to_string(base.value()), {}};
}

/// RFC 3611 section 5.1, of which one report block type is used: round trips as receivers measure
/// them (sections 4.4 and 4.5). What is answered is what was offered, "all" or "sender"; later
/// offers repeat what was answered.
void repeat_extended_reports(const Media& theirs, Media& m) {
  constexpr std::string_view kName = "rtcp-xr:";
  const auto contains_word = [](std::string_view words, std::string_view word) {
    const std::string padded = ' ' + std::string{words} + ' ';
    return padded.find(' ' + std::string{word} + ' ') != std::string::npos;
  };
  for (const std::string& attribute : theirs.other_attributes) {
    if (!attribute.starts_with(kName)) continue;
    for (const std::string_view format : {"rcvr-rtt=all", "rcvr-rtt=sender"}) {
      if (!contains_word(std::string_view{attribute}.substr(kName.size()), format)) continue;
      m.other_attributes.push_back(std::string{kName} + std::string{format});
      return;
    }
  }
}

// ---- numbers for our offers ----

/// Dynamic numbers in the order they are taken. 64 to 95 collide with RTCP (RFC 5761 section 4);
/// 35 to 63 are what RFC 5761 leaves beside 96 to 127.
std::optional<PayloadType> free_payload_type(const PayloadTypeTable& table) {
  constexpr std::array kRanges{std::pair{96, 127}, std::pair{35, 63}};
  for (const auto& [first, last] : kRanges) {
    for (int n = first; n <= last; ++n) {
      const PayloadType type{static_cast<std::uint8_t>(n)};
      if (table.meaning(type) == nullptr) return type;
    }
  }
  return std::nullopt;
}

std::optional<PayloadType> number_for(PayloadTypeTable& table, const std::string& key,
                                      const std::optional<PayloadType>& wished) {
  if (const PayloadType* present = table.number_of(key)) return *present;
  if (wished && table.claim(*wished, key)) return wished;
  const auto type = free_payload_type(table);
  if (type) table.claim(*type, key);
  return type;
}

std::optional<int> number_for(ExtensionTable& table, const ExtensionCapability& extension) {
  if (const int* present = table.number_of(extension.uri)) return *present;
  if (extension.id >= 1 && extension.id <= 14 && table.claim(extension.id, extension.uri)) {
    return extension.id;
  }
  for (int id = 1; id <= 14; ++id) {  // RFC 8285 section 4.2: one-byte headers
    if (table.claim(id, extension.uri)) return id;
  }
  return std::nullopt;
}

bool fits(const ExtensionCapability& e, MediaKind kind) {
  return kind == MediaKind::audio ? e.audio : e.video;
}

// ---- our offers ----

/// A section of the most recent answer, whoever gave it: what is in force. Later offers repeat it
/// in its order (RFC 9429 section 5.2.2), so that nothing looks changed to a peer that compares.
struct InForce {
  const Description* answer = nullptr;
  const Media* section = nullptr;
  explicit operator bool() const { return section != nullptr; }
};

InForce in_force(const State& state, const Transceiver& t) {
  const auto& answer = state.last_offer_local ? state.current_remote : state.current_local;
  if (!t.negotiated || !t.section || answer == nullptr) return {};
  if (*t.section >= answer->media.size() || answer->media[*t.section].is_rejected()) return {};
  return {answer.get(), &answer->media[*t.section]};
}

void repeat_extensions(const std::vector<NegotiatedExtension>& agreed, const InForce& present,
                       Media& section) {
  for (const Extmap& answered : present.answer->extmaps_of(*present.section)) {
    const auto same = [&answered](const NegotiatedExtension& n) {
      return n.id == answered.id && n.uri == answered.uri;
    };
    const auto n = std::find_if(agreed.begin(), agreed.end(), same);
    if (n == agreed.end()) continue;
    Extmap x;
    x.id = n->id;
    if (!n->send || !n->receive) x.direction = make_direction(n->send, n->receive);
    x.uri = n->uri;
    section.extmaps.push_back(std::move(x));
  }
}

void offer_extensions(const State& state, const Transceiver& t, Media& section,
                      ExtensionTable& table) {
  for (const ExtensionCapability& e : state.config->extensions) {
    if (!fits(e, t.kind)) continue;
    const auto id = number_for(table, e);
    if (!id) continue;
    Extmap x;
    x.id = *id;
    if (e.direction != Direction::sendrecv) x.direction = e.direction;
    x.uri = e.uri;
    section.extmaps.push_back(std::move(x));
  }
}

const NegotiatedCodec* agreed_codec(const Transceiver& t, const CodecCapability& codec) {
  if (!t.negotiated) return nullptr;
  for (const NegotiatedCodec& n : t.negotiated->receive) {
    if (codec_key(n.name, n.clock_rate, n.channels, n.fmtp) == codec_key(codec)) return &n;
  }
  return nullptr;
}

/// What each format means, whatever its number.
std::vector<std::string> meanings_of(const Media& section) {
  std::vector<std::string> meanings;
  for (const Format& f : section.formats) {
    const Format* base = nullptr;
    if (role_of(f.name) == CodecRole::rtx) {
      const auto apt = sdp::fmtp_number(f.fmtp, "apt");
      const auto is_base = [&apt](const Format& b) { return apt == b.payload_type.value(); };
      const auto at = std::find_if(section.formats.begin(), section.formats.end(), is_base);
      if (at != section.formats.end()) base = &*at;
    }
    meanings.push_back(base != nullptr ? "rtx of " + codec_key(*base) : codec_key(f));
  }
  return meanings;
}

/// RFC 9429 section 5.2.2: in the order of the answer, and what that did not have behind it.
void order_formats(const Media& answer, Media& section) {
  const auto known = meanings_of(answer);
  const auto ours = meanings_of(section);
  std::vector<std::pair<std::ptrdiff_t, Format>> ranked;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto rank = std::find(known.begin(), known.end(), ours[i]) - known.begin();
    ranked.emplace_back(rank, std::move(section.formats[i]));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < ours.size(); ++i) section.formats[i] = std::move(ranked[i].second);
}

bool offer_formats(const State& state, const Transceiver& t, Media& section,
                   PayloadTypeTable& table) {
  std::string base;  // what red refers to
  for (const CodecCapability& c : codecs_of(state, t)) {
    if (c.kind != t.kind) continue;
    const std::string key = codec_key(c);
    const auto type = number_for(table, key, c.payload_type);
    if (!type) return false;
    Format f{*type, c.name, c.clock_rate, c.channels, c.fmtp, c.feedback};
    if (const NegotiatedCodec* agreed = agreed_codec(t, c)) {
      f.fmtp = agreed->fmtp;
      f.fmtp = answer_fmtp(c, f);
      f.feedback = agreed->feedback;  // RFC 9429 section 5.2.2
    }
    const std::string number = std::to_string(type->value());
    const CodecRole role = role_of(c.name);
    if (role == CodecRole::red && t.kind == MediaKind::audio) {
      if (base.empty()) continue;
      f.fmtp = base + "/" + base;  // RFC 2198 section 5
    }
    if (base.empty() && role == CodecRole::primary) base = number;
    section.formats.push_back(std::move(f));
    if (!c.rtx) continue;
    const auto rtx = number_for(table, "rtx of " + key, c.rtx_payload_type);
    if (!rtx) return false;
    section.formats.push_back(rtx_format(*rtx, *type, c.clock_rate));
  }
  return true;
}

// ---- answers ----

void answer_formats(const State& state, const Transceiver& t, const Media& offered, Media& section,
                    PayloadTypeTable& table) {
  const auto& codecs = codecs_of(state, t);
  auto matches = match_formats(offered, codecs, &table);
  if (!t.codec_preferences.empty()) {
    // RFC 9429 section 5.3.1: preferences decide the order, else the offer does.
    std::stable_sort(matches.begin(), matches.end(),
                     [](const auto& a, const auto& b) { return a.capability < b.capability; });
  }
  for (const FormatMatch& m : matches) {
    Format f{m.format->payload_type,
             m.capability->name,
             m.format->clock_rate,
             m.format->channels,
             answer_fmtp(*m.capability, *m.format),
             common_feedback(offered, *m.format, *m.capability)};
    if (m.role == CodecRole::red) f.fmtp = m.format->fmtp;
    section.formats.push_back(std::move(f));
    if (m.rtx != nullptr) {
      section.formats.push_back(
          rtx_format(m.rtx->payload_type, m.format->payload_type, m.rtx->clock_rate));
    }
  }
}

/// Offered extensions we know, under the offered ids. An id that already means something else in
/// this bundle is left out: aiortc gives id 2 to audio level in one section and to abs-send-time
/// in another, and with both answered its receiver stops.
void answer_extensions(const State& state, const Transceiver& t, const std::vector<Extmap>& offered,
                       Media& section, ExtensionTable& table) {
  for (const Extmap& o : offered) {
    const auto& known = state.config->extensions;
    const auto e = std::find_if(known.begin(), known.end(), [&](const ExtensionCapability& k) {
      return k.uri == o.uri && fits(k, t.kind);
    });
    if (e == known.end() || o.id < 1 || o.id > 14) continue;
    const auto same = [&o](const Extmap& x) { return x.uri == o.uri || x.id == o.id; };
    if (std::any_of(section.extmaps.begin(), section.extmaps.end(), same)) continue;
    const Direction direction =
        intersection(reversed(o.direction.value_or(Direction::sendrecv)), e->direction);
    if (direction == Direction::inactive || !table.claim(o.id, o.uri)) continue;
    Extmap x;
    x.id = o.id;
    if (direction != Direction::sendrecv) x.direction = direction;
    x.uri = o.uri;
    section.extmaps.push_back(std::move(x));
  }
}

}  // namespace

std::optional<Media> offer_section(const State& state, const Transceiver& t, const Mid& mid,
                                   Numbering& numbering) {
  const InForce present = in_force(state, t);
  Media m = rtp_section(t.kind, present ? present.section->protocol : "UDP/TLS/RTP/SAVPF");
  m.mid = mid;
  m.direction = t.direction;
  m.rtcp_reduced_size = !t.negotiated || t.negotiated->rtcp_reduced_size;
  if (!offer_formats(state, t, m, numbering.payload_types)) return std::nullopt;
  if (present) {
    if (t.codec_preferences.empty()) order_formats(*present.section, m);
    repeat_extensions(t.negotiated->extensions, present, m);
    repeat_extended_reports(*present.section, m);
  } else {
    offer_extensions(state, t, m, numbering.extensions);
  }
  offer_simulcast(t, m);
  write_sender(state, t, m);
  return m;
}

Media offer_data_section(const State& state, const Mid& mid) {
  Media m;
  m.kind = "application";
  m.port = kDiscardPort;
  m.protocol = "UDP/DTLS/SCTP";
  m.other_formats = {"webrtc-datachannel"};
  m.connection = kNoAddress;
  m.mid = mid;
  m.sctp_port = state.config->sctp_port;
  m.max_message_size = state.config->max_message_size;
  return m;
}

Media rejected_section(const Media& like) {
  Media m;
  m.kind = like.kind;
  m.port = 0;
  m.protocol = like.protocol;
  // RFC 3264 section 6: a format must stand there, and is ignored.
  if (!like.formats.empty()) m.formats = {like.formats.front()};
  if (!m.formats.empty()) m.formats[0].feedback.clear();
  if (!like.other_formats.empty()) m.other_formats = {like.other_formats.front()};
  m.connection = kNoAddress;
  m.mid = like.mid;
  m.direction = Direction::inactive;
  return m;
}

Media answer_section(const State& state, const Transceiver& t, const Description& offer,
                     const Media& offered, Numbering& numbering) {
  Media m = rtp_section(t.kind, offered.protocol);
  m.mid = offered.mid;
  m.direction = intersection(reversed(offer.direction_of(offered)), t.direction);
  m.rtcp_reduced_size = offered.rtcp_reduced_size;
  answer_formats(state, t, offered, m, numbering.payload_types);
  answer_extensions(state, t, offer.extmaps_of(offered), m, numbering.extensions);
  answer_simulcast(state, t, offered, m);
  repeat_extended_reports(offered, m);
  write_sender(state, t, m);
  return m;
}

Media answer_data_section(const State& state, const Media& offered) {
  Media m;
  m.kind = offered.kind;
  m.port = kDiscardPort;
  m.protocol = offered.protocol;
  m.other_formats = offered.other_formats;
  m.connection = kNoAddress;
  m.mid = offered.mid;
  if (offered.is_legacy_data()) {
    // The form of draft-ietf-mmusic-sctp-sdp-05 and before, which aiortc speaks: the port is the
    // format, and the map repeats it. Both sides use one port.
    m.sctpmap = std::to_string(offered.data_port()) + " webrtc-datachannel 65535";
  } else {
    m.other_formats = {"webrtc-datachannel"};
    m.sctp_port = state.config->sctp_port;
  }
  m.max_message_size = state.config->max_message_size;
  return m;
}

void write_transport(Media& section, const LocalFacts& facts, sdp::Setup setup) {
  section.transport.ice_ufrag = facts.ice_ufrag;
  section.transport.ice_pwd = facts.ice_pwd;
  section.transport.ice_options = facts.ice_options;
  section.transport.fingerprints = facts.fingerprints;
  section.transport.setup = setup;
  if (!facts.tls_id.empty()) section.transport.tls_id = facts.tls_id;
}

void write_candidates(Media& section, const LocalFacts& facts) {
  if (section.media_kind()) section.rtcp = std::string("9 ") + kNoAddress;
  section.candidates = facts.candidates;
  section.end_of_candidates = facts.end_of_candidates;
}

}  // namespace parley::jsep
