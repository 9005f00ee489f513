#include "parley/sdp/state.hpp"

#include <algorithm>

#include "parley/sdp/jsep.hpp"
#include "sdp/checkpoint.hpp"
#include "sdp/codec_matching.hpp"

namespace parley::jsep {
namespace {

/// A number for `stream` of this session that looks random and never repeats: the finaliser of
/// SplitMix64 is a bijection, and the seed is random.
std::uint64_t derived(std::uint64_t seed, std::uint64_t stream) {
  std::uint64_t z = seed + (stream + 1) * 0x9E37'79B9'7F4A'7C15U;
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9U;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBU;
  return z ^ (z >> 31);
}

bool ssrc_in_use(const State& state, Ssrc ssrc) {
  const auto has = [ssrc](const auto& s) { return s.ssrc == ssrc || s.rtx_ssrc == ssrc; };
  return std::any_of(state.transceivers.begin(), state.transceivers.end(),
                     [&has](const Transceiver& t) {
                       return has(t) || std::any_of(t.layers.begin(), t.layers.end(), has);
                     });
}

/// An SSRC no other stream of ours has; 0 is avoided because some receivers take it for "none".
Ssrc fresh_ssrc(const State& state, std::uint64_t stream) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    const auto value = derived(state.seed, stream + (attempt << 32));
    const Ssrc ssrc{static_cast<std::uint32_t>(value)};
    if (ssrc.value() != 0 && !ssrc_in_use(state, ssrc)) return ssrc;
  }
}

std::string hex(std::uint64_t value) {
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 15];
  return out;
}

Transceiver* find_in(State& state, TransceiverId id) {
  for (Transceiver& t : state.transceivers) {
    if (t.id == id) return &t;
  }
  return nullptr;
}

Error no_transceiver() { return Error{Errc::not_found, "no such transceiver"}; }

void attach_track(const State& state, Transceiver& t, TransceiverInit&& init) {
  t.stream_ids = std::move(init.stream_ids);
  t.has_track = !init.track_id.empty();
  t.track_id = t.has_track ? std::move(init.track_id)
                           : hex(derived(state.seed, ~static_cast<std::uint64_t>(t.id.value())));
}

/// W3C section 4.7.3 step 5, for one transceiver.
bool needs_negotiation(const State& state, const Transceiver& t) {
  if (t.stopping || !t.section) return true;
  const auto& local = state.current_local;
  const auto& remote = state.current_remote;
  if (local == nullptr || *t.section >= local->media.size()) return true;
  const sdp::Media& section = local->media[*t.section];
  const Direction local_direction = local->direction_of(section);
  // A section that does not send names no streams; its direction is judged below.
  if (sends(t.direction) && sends(local_direction) &&
      stream_ids_of(section) != streams_to_announce(t)) {
    return true;
  }
  if (remote == nullptr || *t.section >= remote->media.size()) return true;
  const Direction remote_direction = reversed(remote->direction_of(remote->media[*t.section]));
  if (state.last_offer_local) {
    return local_direction != t.direction && remote_direction != t.direction;
  }
  return local_direction != intersection(t.direction, remote_direction);
}

}  // namespace

void make_layers(const State& state, Transceiver& t) {
  for (const Rid& rid : t.send_rids) {
    const auto same = [&rid](const LayerSsrcs& l) { return l.rid == rid; };
    if (std::any_of(t.layers.begin(), t.layers.end(), same)) continue;
    LayerSsrcs layer{rid, t.ssrc, t.rtx_ssrc};
    if (!t.layers.empty()) {
      // Away from the numbers of add_transceiver, which are twice the id.
      const std::uint64_t stream = (std::uint64_t{1} << 63) +
                                   static_cast<std::uint64_t>(t.id.value()) * 1024 +
                                   t.layers.size() * 2;
      layer.ssrc = fresh_ssrc(state, stream);
      layer.rtx_ssrc = fresh_ssrc(state, stream + 1);
    }
    t.layers.push_back(std::move(layer));
  }
}

std::string_view to_string(SignalingState state) {
  switch (state) {
    case SignalingState::stable:
      return "stable";
    case SignalingState::have_local_offer:
      return "have-local-offer";
    case SignalingState::have_remote_offer:
      return "have-remote-offer";
    case SignalingState::have_local_pranswer:
      return "have-local-pranswer";
    case SignalingState::have_remote_pranswer:
      break;
  }
  return "have-remote-pranswer";
}

bool NegotiatedCodec::has_feedback(std::string_view value) const {
  return std::find(feedback.begin(), feedback.end(), value) != feedback.end();
}

const Transceiver* State::find(TransceiverId id) const {
  for (const Transceiver& t : transceivers) {
    if (t.id == id) return &t;
  }
  return nullptr;
}

const Transceiver* State::find(const Mid& mid) const {
  for (const Transceiver& t : transceivers) {
    if (t.mid == mid) return &t;
  }
  return nullptr;
}

const sdp::Description* State::description(Side side) const {
  const auto& pending = side == Side::local ? pending_local : pending_remote;
  const auto& current = side == Side::local ? current_local : current_remote;
  return pending != nullptr ? pending.get() : current.get();
}

State make_state(Config config, Random& random) {
  State state;
  state.config = std::make_shared<const Config>(std::move(config));
  // RFC 9429 section 5.2.1: 63 random bits.
  state.session_id = random.u64() >> 1;
  state.seed = random.u64();
  state.cname = random.ice_chars(16);  // 96 bits, RFC 7022 section 4.2
  return state;
}

TransceiverId add_transceiver(State& state, MediaKind kind, TransceiverInit init) {
  Transceiver t;
  t.id = TransceiverId{state.next_transceiver++};
  t.kind = kind;
  t.direction = init.direction;
  const auto stream = static_cast<std::uint64_t>(t.id.value()) * 2;
  t.ssrc = fresh_ssrc(state, stream);
  t.rtx_ssrc = fresh_ssrc(state, stream + 1);
  t.send_rids = std::move(init.send_rids);
  t.paused_rids = std::move(init.paused_rids);
  t.receive_rids = std::move(init.receive_rids);
  make_layers(state, t);
  attach_track(state, t, std::move(init));
  state.transceivers.push_back(std::move(t));
  return state.transceivers.back().id;
}

TransceiverId add_track(State& state, MediaKind kind, TransceiverInit init) {
  for (Transceiver& t : state.transceivers) {
    // W3C addTrack: reuse a sender without track that was never used to send.
    if (t.kind != kind || t.has_track || t.ever_sent || t.stopping) continue;
    attach_track(state, t, std::move(init));
    t.has_track = true;
    t.used_by_application = true;
    t.added_by_track = true;
    t.direction = make_direction(true, receives(t.direction));
    return t.id;
  }
  init.direction = Direction::sendrecv;
  const TransceiverId id = add_transceiver(state, kind, std::move(init));
  state.transceivers.back().added_by_track = true;
  state.transceivers.back().has_track = true;
  return id;
}

Result<void> remove_track(State& state, TransceiverId id) {
  Transceiver* t = find_in(state, id);
  if (t == nullptr) return no_transceiver();
  t->has_track = false;
  t->direction = make_direction(false, receives(t->direction));
  return {};
}

Result<void> set_direction(State& state, TransceiverId id, Direction direction) {
  Transceiver* t = find_in(state, id);
  if (t == nullptr) return no_transceiver();
  if (t->stopping) return Error{Errc::invalid_state, "the transceiver is stopping"};
  t->direction = direction;
  return {};
}

Result<void> set_streams(State& state, TransceiverId id, std::vector<std::string> stream_ids) {
  Transceiver* t = find_in(state, id);
  if (t == nullptr) return no_transceiver();
  t->stream_ids = std::move(stream_ids);
  return {};
}

Result<void> set_paused_rids(State& state, TransceiverId id, std::vector<Rid> rids) {
  Transceiver* t = find_in(state, id);
  if (t == nullptr) return no_transceiver();
  t->paused_rids = std::move(rids);
  return {};
}

Result<void> set_codec_preferences(State& state, TransceiverId id,
                                   std::vector<CodecCapability> codecs) {
  Transceiver* t = find_in(state, id);
  if (t == nullptr) return no_transceiver();
  for (const CodecCapability& c : codecs) {
    const auto has = [&c](const auto& known) {
      return std::any_of(known.begin(), known.end(), [&c](const CodecCapability& k) {
        return k.kind == c.kind && codec_key(k) == codec_key(c);
      });
    };
    const bool found = has(state.config->codecs) || has(state.config->optional_codecs);
    if (!found || c.kind != t->kind) {
      return Error{Errc::invalid_argument, "codec that is not configured: " + c.name};
    }
  }
  t->codec_preferences = std::move(codecs);
  return {};
}

Result<void> stop(State& state, TransceiverId id) {
  Transceiver* t = find_in(state, id);
  if (t == nullptr) return no_transceiver();
  if (!t->section) {
    state.transceivers.erase(state.transceivers.begin() + (t - state.transceivers.data()));
    return {};
  }
  t->stopping = true;
  t->direction = Direction::inactive;
  return {};
}

Result<void> want_data(State& state) {
  if (!state.config->data_channels) return Error{Errc::unsupported, "data channels are off"};
  state.data.wanted = true;
  return {};
}

void restart_ice(State& state) {
  state.ufrags_to_replace.clear();
  for (const auto& local : {state.current_local, state.pending_local}) {
    if (local == nullptr) continue;
    std::string ufrag = ice_credentials_of(*local).ufrag;
    if (!ufrag.empty()) state.ufrags_to_replace.push_back(std::move(ufrag));
  }
}

bool ice_restart_wanted(const State& state) {
  const auto& replace = state.ufrags_to_replace;
  return state.transport &&
         std::find(replace.begin(), replace.end(), state.transport->local_ufrag) != replace.end();
}

bool negotiation_needed(const State& state) {
  if (state.signaling != SignalingState::stable) return false;
  if (ice_restart_wanted(state)) return true;
  if (state.data.wanted && !state.data.section) return true;
  return std::any_of(state.transceivers.begin(), state.transceivers.end(),
                     [&state](const Transceiver& t) { return needs_negotiation(state, t); });
}

std::vector<std::string> stream_ids_of(const sdp::Media& section) {
  std::vector<std::string> ids;
  const auto add = [&ids](std::string_view id) {
    if (id.empty() || id == "-" || ids.size() == kMaxStreamsPerTrack) return;
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.emplace_back(id);
  };
  for (const sdp::Msid& m : section.msids) add(m.stream_id);
  if (section.msids.empty()) {
    // Peers of before RFC 8830 (and GStreamer 1.22) say it per SSRC only.
    for (const sdp::SsrcAttribute& s : section.ssrcs) {
      if (s.name == "msid") add(std::string_view(s.value).substr(0, s.value.find(' ')));
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<std::string> streams_to_announce(const Transceiver& t) {
  std::vector<std::string> ids = t.stream_ids;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (ids.size() > kMaxStreamsPerTrack) ids.resize(kMaxStreamsPerTrack);
  return ids;
}

}  // namespace parley::jsep
