#include "echo_server/fragment.hpp"

#include <algorithm>
#include <set>

#include "echo_server/codec_of.hpp"

namespace echo_server {
namespace {

using namespace parley;

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  return line;
}

/// The next line of `text`, which loses it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return trimmed(line);
}

bool take_prefix(std::string_view& line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return false;
  line.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Result<IceFragment> IceFragment::parse(std::string_view text) {
  IceFragment fragment;
  std::string mid;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = take_line(text);
    if (line.empty()) continue;
    if (line.size() < 2 || line[1] != '=' || line.size() > sdp::kMaxLineBytes)
      return Error{Errc::syntax, "line " + std::to_string(number)};
    if (line.starts_with("m=")) mid.clear();
    if (!take_prefix(line, "a=")) continue;
    if (take_prefix(line, "ice-ufrag:")) {
      fragment.ufrag = line;
    } else if (take_prefix(line, "ice-pwd:")) {
      fragment.password = line;
    } else if (take_prefix(line, "mid:")) {
      mid = line;
    } else if (line == "end-of-candidates") {
      fragment.end_of_candidates = true;
    } else if (line.starts_with("candidate:")) {
      if (fragment.candidates.size() == kMaxFragmentCandidates)
        return Error{Errc::too_large, "candidates"};
      fragment.candidates.push_back({mid, std::string(line)});
    }
  }
  if (fragment.ufrag.empty() != fragment.password.empty())
    return Error{Errc::syntax, "a=ice-ufrag and a=ice-pwd come as a pair"};
  return fragment;
}

std::string IceFragment::to_string() const {
  std::string text;
  // As in the answer that the fragment amends (RFC 9725 section 4.3.3).
  for (const std::string& option : options)
    text += (text.empty() ? "a=ice-options:" : " ") + option;
  if (!text.empty()) text += "\r\n";
  if (!ufrag.empty()) text += "a=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + password + "\r\n";
  const std::string* mid = nullptr;
  for (const Candidate& candidate : candidates) {
    if (mid == nullptr || *mid != candidate.mid) {
      // Only a=mid counts; the rest of the line is a placeholder (RFC 8840 section 4.4).
      text += "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:" + candidate.mid + "\r\n";
      mid = &candidate.mid;
    }
    text += "a=" + candidate.line + "\r\n";
  }
  if (end_of_candidates) text += "a=end-of-candidates\r\n";
  return text;
}

std::optional<IceFragment> ice_of(const sdp::Description& description) {
  for (const sdp::Media& media : description.media) {
    const sdp::TransportAttributes transport = description.transport_of(media);
    if (media.is_rejected() || !transport.ice_ufrag || !transport.ice_pwd) continue;
    IceFragment fragment;
    fragment.ufrag = *transport.ice_ufrag;
    fragment.password = *transport.ice_pwd;
    for (const std::string& line : media.candidates)
      fragment.candidates.push_back({media.mid ? media.mid->value() : "", line});
    fragment.end_of_candidates = media.end_of_candidates;
    fragment.options = transport.ice_options;
    return fragment;
  }
  return std::nullopt;
}

sdp::Description with_ice(sdp::Description description, const IceFragment& fragment) {
  const auto renew = [&](sdp::TransportAttributes& transport) {
    if (!transport.ice_ufrag) return;
    transport.ice_ufrag = fragment.ufrag;
    transport.ice_pwd = fragment.password;
  };
  ++description.origin.session_version;
  renew(description.transport);
  bool first = true;
  for (sdp::Media& media : description.media) {
    renew(media.transport);
    media.candidates.clear();
    media.end_of_candidates = false;
    if (!first || media.is_rejected()) continue;
    first = false;
    for (const auto& candidate : fragment.candidates) media.candidates.push_back(candidate.line);
    media.end_of_candidates = fragment.end_of_candidates;
  }
  return description;
}

std::vector<std::string> codecs_in(const sdp::Description& description, MediaKind kind) {
  static const std::set<std::string> kRepair{"RTX", "RED", "ULPFEC",         "FLEXFEC-03",
                                             "CN",  "",    "TELEPHONE-EVENT"};
  std::vector<std::string> names;
  for (const sdp::Media& media : description.media) {
    if (media.media_kind() != kind || media.is_rejected()) continue;
    for (const sdp::Format& format : media.formats) {
      std::string name = in_capitals(format.name);
      if (kRepair.contains(name) || std::find(names.begin(), names.end(), name) != names.end())
        continue;
      names.push_back(std::move(name));
    }
    break;
  }
  return names;
}

}  // namespace echo_server
