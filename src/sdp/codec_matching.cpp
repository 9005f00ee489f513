#include "sdp/codec_matching.hpp"

#include <algorithm>
#include <charconv>

#include "sdp/text.hpp"

namespace parley::jsep {
namespace {

using sdp::Format;
using sdp::Media;
namespace text = sdp::text;

/// The profile of an H.264 profile-level-id (RFC 6184 table 5, the rows that WebRTC meets): equal
/// profiles understand each other, levels are declared per direction.
std::string h264_profile(std::string_view fmtp) {
  // RFC 6184 section 8.1: absent means Baseline, level 1.
  const std::string_view id = sdp::fmtp_value(fmtp, "profile-level-id").value_or("42000A");
  unsigned value = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value, 16);
  if (error != std::errc{} || end != id.data() + id.size() || id.size() != 6) return "invalid";
  const unsigned profile_idc = value >> 16;
  const unsigned iop = (value >> 8) & 0xFF;
  const bool constrained = (iop & 0x40) != 0;  // constraint_set1_flag
  if (profile_idc == 0x42) return constrained ? "constrained-baseline" : "baseline";
  if (profile_idc == 0x4D) return (iop & 0x80) != 0 ? "constrained-baseline" : "main";
  if (profile_idc == 0x58) {
    if ((iop & 0xC0) == 0xC0) return "constrained-baseline";
    return (iop & 0x80) != 0 ? "baseline" : "extended";
  }
  if (profile_idc == 0x64) return (iop & 0x0C) == 0x0C ? "constrained-high" : "high";
  return std::to_string(profile_idc) + "." + std::to_string(iop);
}

/// The part of the parameters that two formats must share to be the same codec.
std::string profile_key(std::string_view name, std::string_view fmtp) {
  const auto value_or_zero = [fmtp](std::string_view key) {
    return std::string(sdp::fmtp_value(fmtp, key).value_or("0"));
  };
  if (name == "h264") return ";" + value_or_zero("packetization-mode") + ";" + h264_profile(fmtp);
  if (name == "vp9") return ";" + value_or_zero("profile-id");
  if (name == "av1") return ";" + value_or_zero("profile");
  if (name == "h265") {
    return ";" + std::string(sdp::fmtp_value(fmtp, "profile-id").value_or("1")) + ";" +
           value_or_zero("tier-flag");
  }
  return {};
}

std::string lowered(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), text::lower);
  return out;
}

const FormatMatch* find_payload_type(const std::vector<FormatMatch>& matches, PayloadType type) {
  for (const FormatMatch& m : matches) {
    if (m.role == CodecRole::primary && m.format->payload_type == type) return &m;
  }
  return nullptr;
}

/// Redundant audio refers to its codec as "111/111" (RFC 2198 section 5); video says nothing.
bool refers_to_kept_codecs(const Format& red, const std::vector<FormatMatch>& kept) {
  std::string_view rest = red.fmtp;
  while (!rest.empty()) {
    const auto n = text::number<std::uint8_t>(text::trim(text::take_until(rest, '/')));
    if (!n || find_payload_type(kept, PayloadType{*n}) == nullptr) return false;
  }
  return true;
}

bool stays(const FormatMatch& candidate, const std::vector<FormatMatch>& kept) {
  const auto any = [&kept](auto condition) {
    return std::any_of(kept.begin(), kept.end(), condition);
  };
  switch (candidate.role) {
    case CodecRole::red:
      return refers_to_kept_codecs(*candidate.format, kept);
    case CodecRole::fec:
      return candidate.key.rfind("ulpfec", 0) != 0 ||
             any([](const FormatMatch& m) { return m.role == CodecRole::red; });
    case CodecRole::companion:
      return any([&](const FormatMatch& m) {
        return m.role == CodecRole::primary && m.format->clock_rate == candidate.format->clock_rate;
      });
    case CodecRole::primary:
    case CodecRole::rtx:
      break;
  }
  return true;
}

const CodecCapability* find_capability(const std::vector<CodecCapability>& codecs, MediaKind kind,
                                       const std::string& key) {
  for (const CodecCapability& c : codecs) {
    if (c.kind == kind && codec_key(c) == key) return &c;
  }
  return nullptr;
}

const Format* find_rtx(const Media& media, PayloadType base) {
  for (const Format& f : media.formats) {
    if (role_of(f.name) == CodecRole::rtx && sdp::fmtp_number(f.fmtp, "apt") == base.value()) {
      return &f;
    }
  }
  return nullptr;
}

std::vector<NegotiatedCodec> codecs_towards(const Media& receiver, const Media& sender,
                                            const std::vector<FormatMatch>& receivable,
                                            const std::vector<FormatMatch>& sendable,
                                            const std::vector<FormatMatch>& order) {
  const auto find = [](const std::vector<FormatMatch>& all, const FormatMatch& wanted) {
    return std::find_if(all.begin(), all.end(),
                        [&wanted](const FormatMatch& m) { return m.key == wanted.key; });
  };
  std::vector<NegotiatedCodec> out;
  for (const CodecRole pass : {CodecRole::primary, CodecRole::companion}) {
    for (const FormatMatch& next : order) {
      if ((next.role == CodecRole::primary) != (pass == CodecRole::primary)) continue;
      const auto of_receiver = find(receivable, next);
      const auto s = find(sendable, next);
      if (of_receiver == receivable.end() || s == sendable.end()) continue;
      const FormatMatch& r = *of_receiver;
      NegotiatedCodec c;
      c.name = r.capability->name;
      c.clock_rate = r.format->clock_rate;
      c.channels = r.format->channels;
      c.payload_type = r.format->payload_type;
      if (r.rtx != nullptr && s->rtx != nullptr) c.rtx_payload_type = r.rtx->payload_type;
      c.fmtp = r.format->fmtp;
      const auto other = common_feedback(sender, *s->format, *r.capability);
      for (std::string& f : common_feedback(receiver, *r.format, *r.capability)) {
        if (std::find(other.begin(), other.end(), f) != other.end()) {
          c.feedback.push_back(std::move(f));
        }
      }
      out.push_back(std::move(c));
    }
  }
  return out;
}

}  // namespace

CodecRole role_of(std::string_view name) {
  if (text::equal_in_any_case(name, "rtx")) return CodecRole::rtx;
  if (text::equal_in_any_case(name, "red")) return CodecRole::red;
  if (text::equal_in_any_case(name, "ulpfec") || text::equal_in_any_case(name, "flexfec") ||
      text::equal_in_any_case(name, "flexfec-03")) {
    return CodecRole::fec;
  }
  if (text::equal_in_any_case(name, "CN") || text::equal_in_any_case(name, "telephone-event")) {
    return CodecRole::companion;
  }
  return CodecRole::primary;
}

std::string codec_key(std::string_view name, int clock_rate, int channels, std::string_view fmtp) {
  const std::string lower_name = lowered(name);
  return lower_name + "/" + std::to_string(clock_rate) + "/" + std::to_string(channels) +
         profile_key(lower_name, fmtp);
}
std::string codec_key(const CodecCapability& c) {
  return codec_key(c.name, c.clock_rate, c.channels, c.fmtp);
}
std::string codec_key(const Format& f) {
  return codec_key(f.name, f.clock_rate, f.channels, f.fmtp);
}

std::vector<FormatMatch> match_formats(const Media& media,
                                       const std::vector<CodecCapability>& codecs,
                                       PayloadTypeTable* table) {
  std::vector<FormatMatch> matches;
  const auto kind = media.media_kind();
  if (!kind) return matches;
  for (const Format& f : media.formats) {
    FormatMatch m{&f, nullptr, nullptr, codec_key(f), role_of(f.name)};
    if (f.name.empty() || m.role == CodecRole::rtx) continue;
    m.capability = find_capability(codecs, *kind, m.key);
    if (m.capability == nullptr) continue;
    if (table != nullptr && !table->claim(f.payload_type, m.key)) continue;
    if (m.capability->rtx) m.rtx = find_rtx(media, f.payload_type);
    if (m.rtx != nullptr && table != nullptr &&
        !table->claim(m.rtx->payload_type, "rtx of " + m.key)) {
      m.rtx = nullptr;
    }
    matches.push_back(std::move(m));
  }
  // Each round may take away what another refers to: FEC needs RED, RED needs its codec.
  const auto is_primary = [](const FormatMatch& m) { return m.role == CodecRole::primary; };
  if (std::none_of(matches.begin(), matches.end(), is_primary)) return {};
  for (std::size_t before = matches.size() + 1; before != matches.size();) {
    before = matches.size();
    std::vector<FormatMatch> kept;
    for (const FormatMatch& m : matches) {
      if (stays(m, matches)) kept.push_back(m);
    }
    matches = std::move(kept);
  }
  return matches;
}

std::string answer_fmtp(const CodecCapability& codec, const Format& offered) {
  const std::string name = lowered(codec.name);
  std::vector<std::string_view> kept;
  if (name == "h264") {
    kept = {"level-asymmetry-allowed", "packetization-mode", "profile-level-id"};
  } else if (name == "vp9") {
    kept = {"profile-id"};
  } else if (name == "av1") {
    kept = {"level-idx", "profile", "tier"};
  } else {
    return codec.fmtp;
  }
  std::string fmtp;
  for (const std::string_view key : kept) {
    const auto value = sdp::fmtp_value(offered.fmtp, key);
    if (!value) continue;
    if (!fmtp.empty()) fmtp += ";";
    fmtp += std::string(key) + "=" + std::string(*value);
  }
  return fmtp;
}

std::optional<std::size_t> find_codec(const std::vector<NegotiatedCodec>& codecs,
                                      const MediaCodec& codec) {
  const std::string key = codec_key(codec.name, codec.clock_rate, codec.channels, codec.fmtp);
  std::optional<std::size_t> by_name;
  for (std::size_t i = 0; i < codecs.size(); ++i) {
    const NegotiatedCodec& c = codecs[i];
    if (codec_key(c.name, c.clock_rate, c.channels, c.fmtp) == key) return i;
    const bool same = text::equal_in_any_case(c.name, codec.name) &&
                      c.clock_rate == codec.clock_rate && c.channels == codec.channels;
    if (same && !by_name) by_name = i;
  }
  return by_name;
}

std::vector<std::string> common_feedback(const Media& media, const Format& format,
                                         const CodecCapability& codec) {
  const auto has = [](const std::vector<std::string>& list, const std::string& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  std::vector<std::string> out;
  for (const std::string& f : codec.feedback) {
    if (has(format.feedback, f) || has(media.wildcard_feedback, f)) out.push_back(f);
  }
  return out;
}

void negotiate_codecs(const Media& local, const Media& remote, bool answer_is_local,
                      const std::vector<CodecCapability>& codecs, NegotiatedMedia& out) {
  const auto ours = match_formats(local, codecs, nullptr);
  const auto theirs = match_formats(remote, codecs, nullptr);
  out.send = codecs_towards(remote, local, theirs, ours, answer_is_local ? ours : theirs);
  out.receive = codecs_towards(local, remote, ours, theirs, ours);
}

}  // namespace parley::jsep
