#include "sdp/answer.hpp"

#include <algorithm>
#include <iterator>

#include "sdp/checkpoint.hpp"
#include "sdp/checks.hpp"
#include "sdp/codec_matching.hpp"
#include "sdp/simulcast.hpp"
#include "sdp/snap.hpp"

namespace parley::jsep {
namespace {

using sdp::Description;
using sdp::Media;

// ---- transport ----

/// Who is DTLS client: the answer's a=setup says it (RFC 8842 section 5).
DtlsRole role_from(const Exchange& x) {
  const auto setup = x.answer().transport_of(x.answer().media[*x.tag]).setup;
  // RFC 4145 section 4 makes an answer without the attribute passive, but what was deployed
  // without it was active.
  const bool answerer_is_client = setup.value_or(sdp::Setup::active) != sdp::Setup::passive;
  return answerer_is_client == x.answer_is_local ? DtlsRole::client : DtlsRole::server;
}

TransportParameters transport_of(const State& state, const Exchange& x,
                                 const std::optional<TransportParameters>& before) {
  const auto remote = x.remote.transport_of(x.remote.media[*x.tag]);
  TransportParameters p;
  p.remote_ufrag = *remote.ice_ufrag;
  p.remote_pwd = *remote.ice_pwd;
  p.remote_ice_options = remote.ice_options;
  p.remote_ice_lite = x.remote.ice_lite;
  p.remote_fingerprints = remote.fingerprints;
  p.remote_tls_id = remote.tls_id.value_or("");
  // Peers that answer "active" whatever they are (Pion): a living association keeps its roles.
  p.dtls_role = before && same_association(*before, remote) ? before->dtls_role : role_from(x);
  p.local_was_offerer = state.offered_first;
  p.local_ufrag = x.local.transport_of(x.local.media[*x.tag]).ice_ufrag.value_or("");
  p.mid = x.offer().media[*x.tag].mid.value_or(Mid{});
  if (p.mid == Mid{}) {
    if (const Transceiver* t = owner_of(state, *x.tag)) p.mid = *t->mid;
    if (state.data.section == *x.tag) p.mid = *state.data.mid;
  }
  return p;
}

/// The candidates of the transport of section `tag`. Peers that bundle write them into their first
/// section only (Pion, GStreamer); when that one is rejected they are still those of the transport
/// that its successor shares, as the same credentials show.
RemoteCandidates candidates_of(const Description& remote, std::size_t tag) {
  const Media& section = remote.media[tag];
  RemoteCandidates out{{}, section.candidates, section.end_of_candidates};
  const sdp::Group* group = section.mid ? remote.bundle_of(*section.mid) : nullptr;
  const Media* first = group != nullptr ? remote.find(group->mids.front()) : nullptr;
  if (out.lines.empty() && first != nullptr &&
      remote.transport_of(*first).ice_ufrag == remote.transport_of(section).ice_ufrag) {
    out.lines = first->candidates;
    out.end_of_candidates = out.end_of_candidates || first->end_of_candidates;
  }
  out.lines.insert(out.lines.end(), remote.candidates.begin(), remote.candidates.end());
  out.end_of_candidates = out.end_of_candidates || remote.end_of_candidates;
  return out;
}

void apply_transport(State& next, const Exchange& x, std::vector<Change>& changes) {
  if (!x.tag) return;
  const auto& before = next.checkpoint != nullptr ? next.checkpoint->transport : next.transport;
  TransportParameters p = transport_of(next, x, before);
  if (next.transport != p) {
    TransportNegotiated change{p, false, false};
    if (next.transport) {
      change.ice_restart = next.transport->remote_ufrag != p.remote_ufrag ||
                           next.transport->local_ufrag != p.local_ufrag;
      change.dtls_restart = next.transport->remote_fingerprints != p.remote_fingerprints ||
                            next.transport->remote_tls_id != p.remote_tls_id ||
                            next.transport->dtls_role != p.dtls_role;
    }
    next.transport = p;
    changes.emplace_back(std::move(change));
  }
  RemoteCandidates candidates = candidates_of(x.remote, *x.tag);
  candidates.mid = p.mid;
  if (!candidates.lines.empty() || candidates.end_of_candidates) {
    changes.emplace_back(std::move(candidates));
  }
}

// ---- media ----

std::vector<RemoteStream> remote_streams(const Media& remote) {
  std::vector<RemoteStream> streams;
  const auto is_repair = [&remote](Ssrc ssrc) {
    return std::any_of(
        remote.ssrc_groups.begin(), remote.ssrc_groups.end(), [ssrc](const sdp::SsrcGroup& g) {
          return (g.semantics == "FID" || g.semantics == "FEC-FR") &&
                 std::find(g.ssrcs.begin() + 1, g.ssrcs.end(), ssrc) != g.ssrcs.end();
        });
  };
  for (const sdp::SsrcAttribute& s : remote.ssrcs) {
    const auto same = [&s](const RemoteStream& r) { return r.ssrc == s.ssrc; };
    if (is_repair(s.ssrc) || std::any_of(streams.begin(), streams.end(), same)) continue;
    RemoteStream stream;
    stream.ssrc = s.ssrc;
    stream.cname = remote.ssrc_attribute(s.ssrc, "cname").value_or("");
    for (const sdp::SsrcGroup& g : remote.ssrc_groups) {
      // RFC 5576 section 4.2: FID is the stream and its retransmission.
      if (g.semantics == "FID" && g.ssrcs.size() >= 2 && g.ssrcs[0] == s.ssrc) {
        stream.rtx_ssrc = g.ssrcs[1];
      }
      const auto place = std::find(g.ssrcs.begin(), g.ssrcs.end(), s.ssrc);
      const bool layered = g.ssrcs.size() > 1 && g.ssrcs.size() <= kMaxSimulcastStreams;
      if (g.semantics == "SIM" && place != g.ssrcs.end() && layered) {
        stream.rid = Rid{std::to_string(place - g.ssrcs.begin())};
      }
    }
    streams.push_back(std::move(stream));
  }
  return streams;
}

std::vector<NegotiatedExtension> negotiate_extensions(const Description& local, const Media& l,
                                                      const Description& remote, const Media& r) {
  std::vector<NegotiatedExtension> out;
  const auto theirs = remote.extmaps_of(r);
  for (const sdp::Extmap& ours : local.extmaps_of(l)) {
    const auto t = std::find_if(theirs.begin(), theirs.end(), [&ours](const sdp::Extmap& e) {
      return e.uri == ours.uri && e.id == ours.id;
    });
    if (t == theirs.end()) continue;
    const Direction direction = intersection(ours.direction.value_or(Direction::sendrecv),
                                             reversed(t->direction.value_or(Direction::sendrecv)));
    if (direction == Direction::inactive) continue;
    out.push_back({ours.id, ours.uri, sends(direction), receives(direction)});
  }
  // By id: that the lines of an offer and of an answer stand in other orders is no change.
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

/// RFC 9429 section 5.10: b=TIAS, or made from b=AS.
std::optional<DataRate> max_rate(const Media& remote) {
  constexpr std::uint64_t kMost = 1'000'000'000'000;  // 1 Tbit/s: more is no limit
  std::optional<DataRate> from_as;
  for (const sdp::Bandwidth& b : remote.bandwidths) {
    const auto value = static_cast<std::int64_t>(std::min(b.value, kMost));
    if (b.type == "TIAS") return DataRate::bits_per_second(value);
    if (b.type == "AS") {
      // AS * 1000 * 0.95 - 50 packets/s * 40 bytes * 8.
      const std::int64_t rate = std::min<std::int64_t>(value, 1'000'000'000) * 950 - 50 * 40 * 8;
      from_as = DataRate::bits_per_second(std::max<std::int64_t>(rate, 0));
    }
  }
  return from_as;
}

NegotiatedMedia negotiate(const State& state, const Transceiver& t, const Exchange& x,
                          std::size_t i) {
  const Media& local = x.local.media[i];
  const Media& remote = x.remote.media[i];
  NegotiatedMedia n;
  negotiate_codecs(local, remote, x.answer_is_local, codecs_of(state, t), n);
  n.extensions = negotiate_extensions(x.local, local, x.remote, remote);
  n.rtcp_reduced_size = local.rtcp_reduced_size && remote.rtcp_reduced_size;
  n.remote_streams = remote_streams(remote);
  n.send_rids = negotiate_rids(local, remote, RidSender::local);
  n.receive_rids = negotiate_rids(local, remote, RidSender::remote);
  n.max_send_rate = max_rate(remote);
  return n;
}

/// What numbers mean from here on (RFC 9143 section 10.1.2): our offers keep to it. A peer may not
/// (aiortc numbers anew in its own offers after it answered with ours), and is followed.
void remember_numbers(State& next, const Transceiver& t) {
  PayloadTypeTable types(std::move(next.payload_types));
  ExtensionTable extensions(std::move(next.extension_ids));
  for (const NegotiatedCodec& c : t.negotiated->receive) {
    const std::string key = codec_key(c.name, c.clock_rate, c.channels, c.fmtp);
    types.assign(c.payload_type, key);
    if (c.rtx_payload_type) types.assign(*c.rtx_payload_type, "rtx of " + key);
  }
  for (const NegotiatedExtension& e : t.negotiated->extensions) extensions.assign(e.id, e.uri);
  next.payload_types = types.entries();
  next.extension_ids = extensions.entries();
}

void set_current_direction(Transceiver& t, std::optional<Direction> direction,
                           std::vector<Change>& changes) {
  if (t.current_direction == direction) return;
  changes.emplace_back(DirectionChanged{t.id, t.current_direction, direction});
  t.current_direction = direction;
}

void apply_media(State& next, const Exchange& x, std::size_t i, std::vector<Change>& changes) {
  Transceiver* t = owner_of(next, i);
  if (t == nullptr) return;
  NegotiatedMedia negotiated = negotiate(next, *t, x, i);
  const bool changed = t->negotiated != negotiated;
  if (changed) {
    t->negotiated = std::move(negotiated);
    remember_numbers(next, *t);
    changes.emplace_back(MediaNegotiated{t->id});
  }
  const Direction direction = intersection(x.local.direction_of(x.local.media[i]),
                                           reversed(x.remote.direction_of(x.remote.media[i])));
  if (sends(direction)) {
    t->ever_sent = true;
    if (x.final) settle_rids(next, *t);
  }
  set_current_direction(*t, direction, changes);
  apply_remote_track(*t, x.remote.media[i], receives(direction), changes);
}

/// A final answer rejects the section: its transceiver or the data transport ends for good.
void apply_rejection(State& next, std::size_t i, std::vector<Change>& changes) {
  if (next.data.section == i) {
    next.data = DataSection{};
    changes.emplace_back(DataRejected{});
  }
  Transceiver* t = owner_of(next, i);
  if (t == nullptr) return;
  if (t->receiving) changes.emplace_back(TrackRemoved{t->id, t->remote_stream_ids});
  set_current_direction(*t, std::nullopt, changes);
  changes.emplace_back(TransceiverStopped{t->id});
  next.transceivers.erase(next.transceivers.begin() + (t - next.transceivers.data()));
}

void apply_data(State& next, const Exchange& x, std::size_t i, std::vector<Change>& changes) {
  if (next.data.section != i) return;
  const Media& local = x.local.media[i];
  const Media& remote = x.remote.media[i];
  DataParameters p{*next.data.mid,
                   local.data_port(),
                   remote.data_port(),
                   remote.data_max_message_size(),
                   {},
                   {}};
  // What was agreed before this exchange, not by its provisional answer.
  const auto& data = next.checkpoint != nullptr ? next.checkpoint->data : next.data;
  negotiate_snap(data.negotiated ? &*data.negotiated : nullptr, local, remote, p);
  if (next.data.negotiated == p) return;
  next.data.negotiated = p;
  changes.emplace_back(DataNegotiated{p});
}

}  // namespace

void apply_remote_track(Transceiver& t, const Media& remote, bool receiving,
                        std::vector<Change>& changes) {
  const std::vector<std::string> before = t.remote_stream_ids;
  if (receiving) {
    t.remote_stream_ids = stream_ids_of(remote);
    t.remote_track_id = remote.msids.empty() ? "" : remote.msids.front().track_id;
  }
  if (receiving && !t.receiving) {
    changes.emplace_back(TrackAdded{t.id, t.remote_stream_ids, t.remote_track_id});
  } else if (!receiving && t.receiving) {
    t.remote_stream_ids.clear();
    changes.emplace_back(TrackRemoved{t.id, before});
  } else if (receiving && before != t.remote_stream_ids) {
    TrackStreamsChanged change{t.id, {}, {}};
    const auto& after = t.remote_stream_ids;
    std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                        std::back_inserter(change.added));
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(change.removed));
    changes.emplace_back(std::move(change));
  }
  t.receiving = receiving;
}

void apply_answer(State& next, const Exchange& x, std::vector<Change>& changes) {
  apply_transport(next, x, changes);
  for (std::size_t i = 0; i < x.answer().media.size(); ++i) {
    if (x.answer().media[i].is_rejected()) {
      // A provisional answer decides nothing for good.
      if (x.final) apply_rejection(next, i, changes);
    } else if (x.local.media[i].is_data()) {
      apply_data(next, x, i, changes);
    } else {
      apply_media(next, x, i, changes);
    }
  }
}

}  // namespace parley::jsep
