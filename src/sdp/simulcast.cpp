#include "sdp/simulcast.hpp"

#include <algorithm>
#include <string>

#include "sdp/checkpoint.hpp"
#include "sdp/text.hpp"

namespace parley::jsep {
namespace {

using sdp::Media;
using sdp::RidAttribute;
using sdp::SimulcastStreams;

bool contains(const std::vector<Rid>& rids, const Rid& rid) {
  return std::find(rids.begin(), rids.end(), rid) != rids.end();
}

/// RFC 8851 section 6.2.2: of several lines with one id all are ignored.
const RidAttribute* find_rid(const Media& section, const Rid& id, bool send) {
  const RidAttribute* found = nullptr;
  for (const RidAttribute& r : section.rids) {
    if (r.id != id) continue;
    if (found != nullptr) return nullptr;
    found = &r;
  }
  return found != nullptr && found->send == send ? found : nullptr;
}

bool has_format(const Media& section, PayloadType type) {
  return section.find_format(type) != nullptr;
}

/// The restrictions of an offered rid for our answer: payload types that were not accepted leave.
/// nullopt when none of them is left (RFC 8851 section 6.3).
std::optional<std::string> answered_restrictions(const RidAttribute& offered, const Media& answer) {
  const auto types = sdp::parse_rid_restrictions(offered.restrictions).payload_types;
  if (types.empty()) return offered.restrictions;
  std::string kept;
  for (const PayloadType type : types) {
    if (!has_format(answer, type)) continue;
    kept += (kept.empty() ? "pt=" : ",") + std::to_string(type.value());
  }
  if (kept.empty()) return std::nullopt;
  std::string_view rest = offered.restrictions;
  while (!rest.empty()) {
    const std::string_view one = sdp::text::trim(sdp::text::take_until(rest, ';'));
    if (one.empty() || one.starts_with("pt=")) continue;
    kept += ';';
    kept += one;
  }
  return kept;
}

/// The first alternative of each stream (RFC 8853 section 5.3.2 lets the answerer choose) that may
/// be answered.
void answer_streams(const SimulcastStreams& offered_streams, const Media& offered,
                    bool offered_send, const std::vector<Rid>* ours, Media& section,
                    SimulcastStreams& out) {
  for (const auto& stream : offered_streams) {
    for (const sdp::SimulcastRid& rid : stream) {
      const RidAttribute* line = find_rid(offered, rid.id, offered_send);
      if (line == nullptr || !is_rid(rid.id) || out.size() == kMaxSimulcastStreams) continue;
      if (ours != nullptr && !contains(*ours, rid.id)) continue;
      // RFC 8851 section 6.3 step 5: what we would have to keep to we must understand.
      if (!offered_send && !sdp::parse_rid_restrictions(line->restrictions).understood) continue;
      auto restrictions = answered_restrictions(*line, section);
      if (!restrictions) continue;
      section.rids.push_back({rid.id, !offered_send, std::move(*restrictions)});
      // No `~`: RFC 8853 section 5.3.2 forbids it towards peers without pause and resume, and a
      // stream that the peer turns on later is welcome without another negotiation.
      out.push_back({{rid.id, false}});
      break;
    }
  }
}

/// Streams are told apart by this extension only (RFC 8853 section 5.5).
bool has_rid_extension(const Media& section) {
  return std::any_of(section.extmaps.begin(), section.extmaps.end(),
                     [](const sdp::Extmap& e) { return e.uri == uri::kRid; });
}

/// RFC 8853 section 5.3.2: a section with several a=simulcast lines has none.
bool is_contradictory(const Media& section) {
  return std::any_of(section.other_attributes.begin(), section.other_attributes.end(),
                     [](const std::string& a) { return a.starts_with("simulcast:"); });
}

}  // namespace

bool is_rid(const Rid& rid) {
  const std::string& id = rid.value();
  return !id.empty() && id.size() <= 16 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

void offer_simulcast(const Transceiver& t, Media& section) {
  if (t.kind != MediaKind::video || !has_rid_extension(section)) return;
  sdp::Simulcast simulcast;
  if (sends(t.direction) && t.send_rids.size() > 1) {
    for (const Rid& rid : t.send_rids) {
      section.rids.push_back({rid, true, ""});
      simulcast.send.push_back({{rid, contains(t.paused_rids, rid)}});
    }
  }
  if (receives(t.direction)) {
    // RFC 9429 section 5.2.2: what was agreed is offered again, or it would end.
    std::vector<Rid> rids = t.receive_rids;
    if (t.negotiated && !t.negotiated->receive_rids.empty()) {
      rids.clear();
      for (const NegotiatedRid& r : t.negotiated->receive_rids) rids.push_back(r.id);
    }
    for (const Rid& rid : rids) {
      if (contains(t.send_rids, rid) && !simulcast.send.empty()) continue;  // one line per id
      section.rids.push_back({rid, false, ""});
      simulcast.receive.push_back({{rid, false}});
    }
  }
  if (simulcast != sdp::Simulcast{}) section.simulcast = std::move(simulcast);
}

void answer_simulcast(const State& state, const Transceiver& t, const Media& offered,
                      Media& section) {
  if (!offered.simulcast || t.kind != MediaKind::video) return;
  if (is_contradictory(offered) || !has_rid_extension(section)) return;
  sdp::Simulcast simulcast;
  if (state.config->receive_simulcast && receives(*section.direction)) {
    answer_streams(offered.simulcast->send, offered, true, nullptr, section, simulcast.receive);
  }
  if (sends(*section.direction) && (state.config->send_simulcast || !t.send_rids.empty())) {
    answer_streams(offered.simulcast->receive, offered, false,
                   t.send_rids.empty() ? nullptr : &t.send_rids, section, simulcast.send);
  }
  if (simulcast != sdp::Simulcast{}) section.simulcast = std::move(simulcast);
}

std::vector<NegotiatedRid> negotiate_rids(const Media& local, const Media& remote,
                                          RidSender sender) {
  std::vector<NegotiatedRid> out;
  if (!local.simulcast || !remote.simulcast || is_contradictory(remote)) return out;
  const bool we_send = sender == RidSender::local;
  const Media& from = we_send ? local : remote;
  const Media& to = we_send ? remote : local;
  for (const auto& stream : from.simulcast->send) {
    for (const sdp::SimulcastRid& sent : stream) {
      const RidAttribute* wish = find_rid(to, sent.id, false);
      if (wish == nullptr || find_rid(from, sent.id, true) == nullptr) continue;
      const sdp::SimulcastRid* taken = nullptr;
      for (const auto& alternatives : to.simulcast->receive) {
        for (const sdp::SimulcastRid& r : alternatives) {
          if (r.id == sent.id) taken = &r;
        }
      }
      if (taken == nullptr || out.size() == kMaxSimulcastStreams) continue;
      NegotiatedRid rid{sent.id, we_send ? taken->paused : sent.paused, {}};
      // RFC 8851 section 6.4 would discard an answer's line with restrictions that were not
      // offered; keeping to them gives the peer what it asks for.
      if (we_send) rid.restrictions = sdp::parse_rid_restrictions(wish->restrictions);
      out.push_back(std::move(rid));
      break;
    }
  }
  return out;
}

void settle_rids(const State& state, Transceiver& t) {
  t.send_rids.clear();
  for (const NegotiatedRid& r : t.negotiated->send_rids) t.send_rids.push_back(r.id);
  make_layers(state, t);
}

}  // namespace parley::jsep

namespace parley::sdp {

RidRestrictions parse_rid_restrictions(std::string_view text) {
  RidRestrictions out;
  const auto limit = [&out](std::optional<int>& field, std::string_view value) {
    const auto n = text::number<std::uint16_t>(value);
    if (n && *n > 0) {
      field = *n;
    } else {
      out.understood = false;
    }
  };
  while (!text.empty()) {
    std::string_view value = text::trim(text::take_until(text, ';'));
    if (value.empty()) continue;
    const std::string_view name = text::trim(text::take_until(value, '='));
    value = text::trim(value);
    if (name == "pt") {
      while (!value.empty()) {
        const auto n = text::number<std::uint8_t>(text::trim(text::take_until(value, ',')));
        if (n && *n < 128) {
          out.payload_types.emplace_back(*n);
        } else {
          out.understood = false;
        }
      }
    } else if (name == "max-width") {
      limit(out.max_width, value);
    } else if (name == "max-height") {
      limit(out.max_height, value);
    } else if (name == "max-fps") {
      limit(out.max_fps, value.substr(0, value.find('.')));  // "30.0" is allowed
    } else if (name == "max-br") {
      out.max_bitrate = text::number<std::uint64_t>(value);
      if (!out.max_bitrate) out.understood = false;
    } else {
      out.understood = false;
    }
  }
  return out;
}

}  // namespace parley::sdp
