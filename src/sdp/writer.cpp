// to_string: descriptions as text, in the order of RFC 8866 section 5.
#include <initializer_list>
#include <string>

#include "parley/sdp/description.hpp"
#include "sdp/base64.hpp"
#include "sdp/text.hpp"

namespace parley::sdp {
namespace {

/// Appends lines. A line break inside a field becomes a space: no field can add a line.
class LineWriter {
 public:
  void line(std::initializer_list<std::string_view> parts) {
    const std::size_t start = out_.size();
    for (const std::string_view part : parts) out_ += part;
    for (std::size_t i = start; i < out_.size(); ++i) {
      if (static_cast<unsigned char>(out_[i]) < 0x20 && out_[i] != '\t') out_[i] = ' ';
    }
    out_ += "\r\n";
  }
  void flag(bool set, std::string_view name) {
    if (set) line({"a=", name});
  }
  void text(std::string_view name, const std::optional<std::string>& value) {
    if (value) line({"a=", name, ":", *value});
  }
  template <class T>
  void number(std::string_view name, const std::optional<T>& value) {
    if (value) line({"a=", name, ":", std::to_string(*value)});
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

bool stands_early(const std::string& line) {
  return !line.empty() && (line[0] == 'i' || line[0] == 'u' || line[0] == 'e' || line[0] == 'p');
}

void write_lines(LineWriter& out, const std::vector<std::string>& lines, bool early) {
  for (const std::string& l : lines) {
    if (stands_early(l) == early) out.line({l});
  }
}

void write_bandwidths(LineWriter& out, const std::vector<Bandwidth>& bandwidths) {
  for (const Bandwidth& b : bandwidths) {
    out.line({"b=", b.type, ":", std::to_string(b.value)});
  }
}

void write_transport(LineWriter& out, const TransportAttributes& t) {
  out.text("ice-ufrag", t.ice_ufrag);
  out.text("ice-pwd", t.ice_pwd);
  if (!t.ice_options.empty()) {
    std::string options;
    for (const std::string& o : t.ice_options) options += (options.empty() ? "" : " ") + o;
    out.line({"a=ice-options:", options});
  }
  for (const Fingerprint& f : t.fingerprints) {
    out.line({"a=fingerprint:", f.algorithm, " ", f.value});
  }
  if (t.setup) out.line({"a=setup:", to_string(*t.setup)});
  out.text("tls-id", t.tls_id);
}

void write_extmaps(LineWriter& out, const std::vector<Extmap>& extmaps) {
  for (const Extmap& e : extmaps) {
    out.line({"a=extmap:", std::to_string(e.id), e.direction ? "/" : "",
              e.direction ? to_string(*e.direction) : "", " ", e.uri,
              e.parameters.empty() ? "" : " ", e.parameters});
  }
}

void write_media_line(LineWriter& out, const Media& m) {
  std::string formats;
  for (const Format& f : m.formats) formats += " " + std::to_string(f.payload_type.value());
  for (const std::string& f : m.other_formats) formats += " " + f;
  out.line({"m=", m.kind, " ", std::to_string(m.port), " ", m.protocol, formats});
}

void write_formats(LineWriter& out, const Media& m) {
  for (const std::string& feedback : m.wildcard_feedback) out.line({"a=rtcp-fb:* ", feedback});
  for (const Format& f : m.formats) {
    const std::string type = std::to_string(f.payload_type.value());
    if (!f.name.empty()) {
      out.line({"a=rtpmap:", type, " ", f.name, "/", std::to_string(f.clock_rate),
                // Opus without a number reads as two channels (see read_rtpmap).
                f.channels != 1 || text::equal_in_any_case(f.name, "opus")
                    ? "/" + std::to_string(f.channels)
                    : ""});
    }
    for (const std::string& feedback : f.feedback) {
      out.line({"a=rtcp-fb:", type, " ", feedback});
    }
    if (!f.fmtp.empty()) out.line({"a=fmtp:", type, " ", f.fmtp});
  }
}

std::string simulcast_list(const SimulcastStreams& streams) {
  std::string out;
  for (const auto& stream : streams) {
    if (!out.empty()) out += ';';
    for (std::size_t i = 0; i < stream.size(); ++i) {
      if (i > 0) out += ',';
      if (stream[i].paused) out += '~';
      out += stream[i].id.value();
    }
  }
  return out;
}

void write_streams(LineWriter& out, const Media& m) {
  for (const RidAttribute& r : m.rids) {
    out.line({"a=rid:", r.id.value(), r.send ? " send" : " recv", r.restrictions.empty() ? "" : " ",
              r.restrictions});
  }
  if (m.simulcast) {
    const std::string send = simulcast_list(m.simulcast->send);
    const std::string receive = simulcast_list(m.simulcast->receive);
    out.line({"a=simulcast:", send.empty() ? "" : "send ", send,
              send.empty() || receive.empty() ? "" : " ", receive.empty() ? "" : "recv ", receive});
  }
  for (const SsrcGroup& g : m.ssrc_groups) {
    std::string list;
    for (const Ssrc s : g.ssrcs) list += " " + std::to_string(s.value());
    out.line({"a=ssrc-group:", g.semantics, list});
  }
  for (const SsrcAttribute& s : m.ssrcs) {
    out.line({"a=ssrc:", std::to_string(s.ssrc.value()), " ", s.name, s.value.empty() ? "" : ":",
              s.value});
  }
}

void write_media(LineWriter& out, const Media& m) {
  write_media_line(out, m);
  write_lines(out, m.other_lines, true);
  if (!m.connection.empty()) out.line({"c=", m.connection});
  write_bandwidths(out, m.bandwidths);
  write_lines(out, m.other_lines, false);
  if (!m.rtcp.empty()) out.line({"a=rtcp:", m.rtcp});
  for (const std::string& c : m.candidates) out.line({"a=", c});
  out.flag(m.end_of_candidates, "end-of-candidates");
  write_transport(out, m.transport);
  if (m.mid) out.line({"a=mid:", m.mid->value()});
  out.flag(m.bundle_only, "bundle-only");
  out.flag(m.extmap_allow_mixed, "extmap-allow-mixed");
  write_extmaps(out, m.extmaps);
  if (m.direction) out.line({"a=", to_string(*m.direction)});
  for (const Msid& msid : m.msids) {
    out.line({"a=msid:", msid.stream_id, msid.track_id.empty() ? "" : " ", msid.track_id});
  }
  out.flag(m.rtcp_mux, "rtcp-mux");
  out.flag(m.rtcp_mux_only, "rtcp-mux-only");
  out.flag(m.rtcp_reduced_size, "rtcp-rsize");
  write_formats(out, m);
  write_streams(out, m);
  out.number("sctp-port", m.sctp_port);
  out.text("sctpmap", m.sctpmap);
  out.number("max-message-size", m.max_message_size);
  if (!m.sctp_init.empty()) out.line({"a=sctp-init:", base64::encode(m.sctp_init)});
  for (const std::string& a : m.other_attributes) out.line({"a=", a});
}

void write_session(LineWriter& out, const Description& d) {
  out.line({"v=0"});
  out.line({"o=", d.origin.username, " ", d.origin.session_id, " ",
            std::to_string(d.origin.session_version), " ", d.origin.address});
  out.line({"s=", d.name});
  write_lines(out, d.other_lines, true);
  if (!d.connection.empty()) out.line({"c=", d.connection});
  write_bandwidths(out, d.bandwidths);
  out.line({"t=", d.timing});
  write_lines(out, d.other_lines, false);
  for (const Group& g : d.groups) {
    std::string mids;
    for (const Mid& mid : g.mids) mids += " " + mid.value();
    out.line({"a=group:", g.semantics, mids});
  }
  out.flag(d.ice_lite, "ice-lite");
  for (const std::string& c : d.candidates) out.line({"a=", c});
  out.flag(d.end_of_candidates, "end-of-candidates");
  out.flag(d.extmap_allow_mixed, "extmap-allow-mixed");
  if (d.msid_semantic) out.line({"a=msid-semantic: ", *d.msid_semantic});
  write_transport(out, d.transport);
  write_extmaps(out, d.extmaps);
  if (d.direction) out.line({"a=", to_string(*d.direction)});
  for (const std::string& a : d.other_attributes) out.line({"a=", a});
}

}  // namespace

std::string to_string(const Description& description) {
  LineWriter out;
  write_session(out, description);
  for (const Media& m : description.media) write_media(out, m);
  return out.take();
}

std::string to_string(const Media& media) {
  LineWriter out;
  write_media(out, media);
  return out.take();
}

}  // namespace parley::sdp
