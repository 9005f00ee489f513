// What a description says when its levels are read together.
#include "parley/sdp/description.hpp"

#include <algorithm>

#include "sdp/text.hpp"

namespace parley::sdp {

std::optional<MediaKind> Media::media_kind() const {
  if (protocol.find("RTP") == std::string::npos) return std::nullopt;
  if (kind == "audio") return MediaKind::audio;
  if (kind == "video") return MediaKind::video;
  return std::nullopt;
}

bool Media::is_data() const {
  if (kind != "application" || protocol.find("DTLS/SCTP") == std::string::npos) return false;
  if (is_legacy_data()) return true;
  return std::find(other_formats.begin(), other_formats.end(), "webrtc-datachannel") !=
         other_formats.end();
}

bool Media::is_legacy_data() const {
  return kind == "application" && protocol == "DTLS/SCTP" && other_formats.size() == 1 &&
         text::number<std::uint16_t>(other_formats[0]).has_value();
}

const Format* Media::find_format(PayloadType type) const {
  for (const Format& f : formats) {
    if (f.payload_type == type) return &f;
  }
  return nullptr;
}

std::optional<std::string_view> Media::ssrc_attribute(Ssrc ssrc, std::string_view name) const {
  for (const SsrcAttribute& s : ssrcs) {
    if (s.ssrc == ssrc && s.name == name) return s.value;
  }
  return std::nullopt;
}

std::uint16_t Media::data_port() const {
  if (sctp_port) return *sctp_port;
  if (is_legacy_data()) return text::number<std::uint16_t>(other_formats[0]).value_or(5000);
  return 5000;
}

std::uint64_t Media::data_max_message_size() const {
  if (!max_message_size) return kDefaultMaxMessageSize;
  return *max_message_size == 0 ? kUnlimitedMessageSize : *max_message_size;
}

const Media* Description::find(const Mid& mid) const {
  for (const Media& m : media) {
    if (m.mid == mid) return &m;
  }
  return nullptr;
}

const Group* Description::bundle_of(const Mid& mid) const {
  for (const Group& g : groups) {
    if (g.semantics == "BUNDLE" && std::find(g.mids.begin(), g.mids.end(), mid) != g.mids.end()) {
      return &g;
    }
  }
  return nullptr;
}

TransportAttributes Description::transport_of(const Media& section) const {
  TransportAttributes t = section.transport;
  if (!t.ice_ufrag && !t.ice_pwd) {
    t.ice_ufrag = transport.ice_ufrag;
    t.ice_pwd = transport.ice_pwd;
  }
  for (const std::string& o : transport.ice_options) {
    if (std::find(t.ice_options.begin(), t.ice_options.end(), o) == t.ice_options.end()) {
      t.ice_options.push_back(o);
    }
  }
  if (t.fingerprints.empty()) t.fingerprints = transport.fingerprints;
  if (!t.setup) t.setup = transport.setup;
  if (!t.tls_id) t.tls_id = transport.tls_id;
  return t;
}

Direction Description::direction_of(const Media& section) const {
  if (section.direction) return *section.direction;
  return direction.value_or(Direction::sendrecv);
}

std::vector<Extmap> Description::extmaps_of(const Media& section) const {
  std::vector<Extmap> all = section.extmaps;
  all.insert(all.end(), extmaps.begin(), extmaps.end());
  return all;
}

}  // namespace parley::sdp
