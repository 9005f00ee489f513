#include "parley/session.hpp"

#include <algorithm>
#include <utility>

#include "parley/ice/candidate.hpp"
#include "peer/session_impl.hpp"

namespace parley {
namespace {

sdp::Fingerprint to_sdp(const dtls::Fingerprint& fingerprint) {
  const std::string text = fingerprint.to_string();
  const std::size_t space = text.find(' ');
  return {.algorithm = text.substr(0, space), .value = text.substr(space + 1)};
}

std::vector<dtls::Fingerprint> from_sdp(const std::vector<sdp::Fingerprint>& lines) {
  std::vector<dtls::Fingerprint> fingerprints;
  for (const auto& line : lines) {
    if (auto parsed = dtls::Fingerprint::parse(line.algorithm + " " + line.value)) {
      fingerprints.push_back(std::move(*parsed));
    }
  }
  return fingerprints;
}

/// An offer whose fingerprints cannot be used is refused when it comes, not when it is answered.
bool has_usable_fingerprints(const sdp::Description& description) {
  for (const sdp::Media& section : description.media) {
    const auto lines = description.transport_of(section).fingerprints;
    if (!section.is_rejected() && !lines.empty() && from_sdp(lines).empty()) return false;
  }
  return true;
}

Error new_association() {
  return {Errc::unsupported, "a new DTLS association: another fingerprint or tls-id"};
}

peer::TransportConfig transport_config(const SessionConfig& config) {
  return {.ice = config.ice, .dtls = config.dtls, .identity = config.identity};
}

peer::MediaConfig media_config(const SessionConfig& config, const jsep::State& state) {
  return {.video = config.video,
          .max_video_wait = config.max_video_wait,
          .audio_decoder = config.audio_decoder,
          .playout_channels = config.playout_channels,
          .ntp = config.ntp,
          .cname = state.cname,
          .max_packet_size = config.dtls.max_datagram_size - srtp::kMaxTrailer};
}

}  // namespace

Session::Impl::Impl(Timestamp now, SessionConfig session_config, Random& source)
    : config(std::move(session_config)),
      random(source),
      state(jsep::make_state(std::move(config.negotiation), source)),
      transport(transport_config(config), source, now),
      media(media_config(config, state), source, now),
      data(config.data, config.log, source) {}

Result<std::unique_ptr<Session>> Session::create(Timestamp now, SessionConfig config,
                                                 Random& random) {
  if (!config.identity) return Error{Errc::invalid_argument, "session without an identity"};
  if (config.negotiation.codecs.empty()) {
    return Error{Errc::invalid_argument, "session without codecs"};
  }
  return std::unique_ptr<Session>{
      new Session{std::make_unique<Impl>(now, std::move(config), random)}};
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

// --- Descriptions ---

jsep::LocalFacts Session::Impl::local_facts(const ice::Credentials& credentials) {
  jsep::LocalFacts facts;
  facts.ice_ufrag = credentials.ufrag;
  facts.ice_pwd = credentials.password;
  facts.fingerprints = {to_sdp(config.identity->fingerprint())};
  for (const Gathered& known : generations) {
    if (known.ufrag != credentials.ufrag) continue;
    facts.candidates = known.lines;
    facts.end_of_candidates = known.ended;
  }
  // An association is made for its INIT chunk only where one will be written.
  const auto offered_init = jsep::offered_sctp_init(state);
  const bool offers_snap = state.config->offer_snap && (state.data.wanted || state.data.section);
  if (offered_init.empty() ? offers_snap : sctp::Association::is_usable_init(offered_init)) {
    facts.sctp_init = data.local_init();
  }
  return facts;
}

bool Session::Impl::offers_restart(const OfferOptions& options) const {
  if (!state.transport) return false;  // nothing to restart yet
  if (options.ice_restart || jsep::ice_restart_wanted(state)) return true;
  // An offer beside a pending one that restarts does so too.
  const ice::Credentials* const prepared = transport.ice().prepared_credentials();
  return prepared != nullptr && state.pending_local != nullptr &&
         jsep::ice_credentials_of(*state.pending_local).ufrag == prepared->ufrag;
}

// RFC 9429 section 5.3.1: new ones when the offer restarts, the present ones otherwise.
const ice::Credentials& Session::Impl::answer_credentials() {
  ice::Transport& ice = transport.ice();
  if (!jsep::remote_offer_restarts_ice(state)) return ice.local_credentials();
  // A provisional answer has begun the generation.
  return state.pending_local != nullptr ? ice.local_credentials() : ice.prepare_restart();
}

Result<SessionDescription> Session::create_offer(const OfferOptions& options) {
  if (impl_->closed) return Error{Errc::closed, "session"};
  ice::Transport& ice = impl_->transport.ice();
  const bool restarts = impl_->offers_restart(options);
  const ice::Credentials& credentials = restarts ? ice.prepare_restart() : ice.local_credentials();
  auto offer = jsep::build_offer(impl_->state, impl_->local_facts(credentials));
  if (!offer) return offer.error();
  return SessionDescription{SdpType::offer, sdp::to_string(*offer)};
}

Result<SessionDescription> Session::create_answer() {
  if (impl_->closed) return Error{Errc::closed, "session"};
  const ice::Credentials& credentials = impl_->answer_credentials();
  auto answer = jsep::build_answer(impl_->state, impl_->local_facts(credentials));
  if (!answer) return answer.error();
  return SessionDescription{SdpType::answer, sdp::to_string(*answer)};
}

// A local description has the credentials that we gave it, the present or the prepared ones.
Result<void> Session::Impl::check_credentials(const sdp::Description& local) const {
  const jsep::IceCredentials named = jsep::ice_credentials_of(local);
  const ice::Credentials& present = transport.ice().local_credentials();
  const ice::Credentials* const prepared = transport.ice().prepared_credentials();
  const auto is = [&named](const ice::Credentials& c) {
    return c.ufrag == named.ufrag && c.password == named.pwd;
  };
  if (named.ufrag.empty() || is(present) || (prepared != nullptr && is(*prepared))) return {};
  return Error{Errc::invalid_argument, "ICE credentials that are not of this session"};
}

// Gathers for the credentials of a local description that was set. Those that were prepared for
// another one are dropped.
void Session::Impl::begin_generation(Timestamp now, const sdp::Description& local) {
  ice::Transport& ice = transport.ice();
  if (gathering_generation == 0) gathering_generation = 1;
  const ice::Credentials* const prepared = ice.prepared_credentials();
  if (prepared == nullptr) return;
  if (jsep::ice_credentials_of(local).ufrag != prepared->ufrag) {
    ice.cancel_restart(now);
  } else if (ice.gather_restart(now)) {
    ++gathering_generation;
  }
}

// What this version cannot do is refused before anything changes, because a commit cannot fail.
Result<void> Session::Impl::check_supported(const jsep::Plan& plan) const {
  for (const jsep::Change& change : plan.changes) {
    const auto* negotiated = std::get_if<jsep::TransportNegotiated>(&change);
    if (negotiated == nullptr) continue;
    const ice::Credentials* const prepared = transport.ice().prepared_credentials();
    const std::string& ufrag = negotiated->parameters.local_ufrag;
    if (negotiated->ice_restart && (prepared == nullptr || prepared->ufrag != ufrag)) {
      return Error{Errc::unsupported, "an answer from elsewhere than the provisional one"};
    }
    if (negotiated->dtls_restart) return new_association();
    if (from_sdp(negotiated->parameters.remote_fingerprints).empty()) {
      return Error{Errc::incompatible, "no usable a=fingerprint"};
    }
  }
  return {};
}

Result<void> Session::set_local_description(Timestamp now, const SessionDescription& description) {
  if (impl_->closed) return Error{Errc::closed, "session"};
  const auto parsed = sdp::Description::parse(description.sdp);
  if (!parsed) return parsed.error();
  auto plan = jsep::plan_local(impl_->state, description.type, *parsed);
  if (!plan) return plan.error();
  if (auto own = impl_->check_credentials(*parsed); !own) return own;
  if (auto supported = impl_->check_supported(*plan); !supported) return supported;
  if (description.type == SdpType::offer && !impl_->state.transport) {
    impl_->transport.ice().set_role(ice::Role::controlling);
  }
  impl_->begin_generation(now, *parsed);
  impl_->carry_out(now, jsep::commit(impl_->state, std::move(*plan)));
  return {};
}

Result<void> Session::set_remote_description(Timestamp now, const SessionDescription& description) {
  if (impl_->closed) return Error{Errc::closed, "session"};
  const auto parsed = sdp::Description::parse(description.sdp);
  if (!parsed) return parsed.error();
  if (!has_usable_fingerprints(*parsed)) {
    return Error{Errc::incompatible, "no usable a=fingerprint"};
  }
  auto plan = jsep::plan_remote(impl_->state, description.type, *parsed);
  if (!plan) return plan.error();
  // Refused now: accepted, it could not be answered, and would stand in the way of others.
  if (jsep::remote_offer_restarts_dtls(plan->next)) return new_association();
  if (auto supported = impl_->check_supported(*plan); !supported) return supported;
  if (description.type == SdpType::offer && !impl_->state.transport) {
    impl_->transport.ice().set_role(ice::Role::controlled);
  }
  // A pending offer of ours is rolled back, and with it a restart that it began.
  if (description.type == SdpType::offer) impl_->transport.ice().cancel_restart(now);
  impl_->carry_out(now, jsep::commit(impl_->state, std::move(*plan)));
  return {};
}

Result<void> Session::rollback(Timestamp now) {
  if (impl_->closed) return Error{Errc::closed, "session"};
  const bool local = impl_->state.signaling == jsep::SignalingState::have_local_offer;
  auto plan = jsep::plan_rollback(impl_->state, local ? jsep::Side::local : jsep::Side::remote);
  if (!plan) return plan.error();
  impl_->transport.ice().cancel_restart(now);
  impl_->carry_out(now, jsep::commit(impl_->state, std::move(*plan)));
  return {};
}

void Session::restart_ice() {
  if (impl_->closed) return;
  jsep::restart_ice(impl_->state);
  impl_->check_negotiation_needed();
}

Result<void> Session::add_ice_candidate(Timestamp now, const IceCandidate& candidate) {
  if (impl_->closed) return Error{Errc::closed, "session"};
  std::string ufrag = candidate.username_fragment;
  if (!ice::is_end_of_candidates(candidate.candidate)) {
    const auto parsed = ice::Candidate::parse(candidate.candidate);
    // A transport or type we do not know is the peer's good right (RFC 8839 section 5.1).
    if (!parsed && parsed.error().code != Errc::unsupported) return parsed.error();
    if (parsed && ufrag.empty()) ufrag = parsed->ufrag;
  }
  std::optional<Mid> mid;
  if (!candidate.sdp_mid.empty()) mid.emplace(candidate.sdp_mid);
  std::optional<std::size_t> section;
  if (candidate.sdp_m_line_index && *candidate.sdp_m_line_index >= 0) {
    section = static_cast<std::size_t>(*candidate.sdp_m_line_index);
  }
  const auto delivery =
      jsep::add_remote_candidate(impl_->state, candidate.candidate, mid, section, ufrag);
  if (!delivery) return delivery.error();
  if (*delivery == jsep::CandidateDelivery::now) {
    impl_->add_remote_line(now, candidate.candidate);
    impl_->absorb(now);
  }
  return {};
}

const jsep::State& Session::negotiation() const { return impl_->state; }

// --- Changes ---

void Session::Impl::carry_out(Timestamp now, std::vector<jsep::Change> changes) {
  for (const jsep::Change& change : changes) {
    if (const auto* signaling = std::get_if<jsep::SignalingStateChanged>(&change)) {
      handle(now, *signaling);
    } else if (const auto* negotiated = std::get_if<jsep::TransportNegotiated>(&change)) {
      handle(now, *negotiated);
    } else if (const auto* remote = std::get_if<jsep::RemoteCandidates>(&change)) {
      handle(now, *remote);
    } else if (const auto* track = std::get_if<jsep::TrackAdded>(&change)) {
      events.emplace_back(event::TrackAdded{track->id});
    } else if (const auto* ended = std::get_if<jsep::TrackRemoved>(&change)) {
      events.emplace_back(event::TrackEnded{ended->id});
    } else if (const auto* direction = std::get_if<jsep::DirectionChanged>(&change)) {
      if (const auto* transceiver = state.find(direction->id)) media.configure(now, *transceiver);
      events.emplace_back(event::MediaNegotiated{direction->id});
    } else if (const auto* agreed = std::get_if<jsep::MediaNegotiated>(&change)) {
      if (const auto* transceiver = state.find(agreed->id)) media.configure(now, *transceiver);
      events.emplace_back(event::MediaNegotiated{agreed->id});
    } else if (const auto* stopped = std::get_if<jsep::TransceiverStopped>(&change)) {
      media.remove(now, stopped->id);
      events.emplace_back(event::TransceiverStopped{stopped->id});
    } else if (const auto* removed = std::get_if<jsep::TransceiverRemoved>(&change)) {
      media.remove(now, removed->id);
      events.emplace_back(event::TransceiverStopped{removed->id});
    } else if (const auto* channels = std::get_if<jsep::DataNegotiated>(&change)) {
      data.negotiate(now, channels->parameters);
    } else if (std::holds_alternative<jsep::DataRejected>(change)) {
      data.reject(now);
    }
  }
  check_media_keys(now);
  absorb(now);
  negotiation_needed = false;
  check_negotiation_needed();
}

void Session::Impl::handle(Timestamp, const jsep::SignalingStateChanged& change) {
  events.emplace_back(event::SignalingStateChanged{static_cast<SignalingState>(change.to)});
}

void Session::Impl::handle(Timestamp now, const jsep::TransportNegotiated& change) {
  const jsep::TransportParameters& parameters = change.parameters;
  // RFC 8445 section 6.1.1: once determined, roles stay; ICE itself may have changed them.
  if (!transport.dtls_role()) {
    transport.ice().set_role(parameters.local_was_offerer ? ice::Role::controlling
                                                          : ice::Role::controlled);
  }
  const peer::RemoteTransport remote{
      .credentials = {.ufrag = parameters.remote_ufrag, .password = parameters.remote_pwd},
      .fingerprints = from_sdp(parameters.remote_fingerprints),
      .local_role =
          parameters.dtls_role == jsep::DtlsRole::client ? dtls::Role::client : dtls::Role::server,
      .srtp_use = has_media() ? dtls::SrtpUse::required : dtls::SrtpUse::optional,
      .ice_restart = change.ice_restart};
  if (auto set = transport.set_remote(now, remote); !set) fail(now, set.error().to_string());
}

void Session::Impl::handle(Timestamp now, const jsep::RemoteCandidates& change) {
  for (const std::string& line : change.lines) add_remote_line(now, line);
  if (change.end_of_candidates) transport.ice().end_of_remote_candidates(now);
}

void Session::Impl::add_remote_line(Timestamp now, std::string_view line) {
  if (ice::is_end_of_candidates(line)) {
    transport.ice().end_of_remote_candidates(now);
    return;
  }
  const auto candidate = ice::Candidate::parse(line);
  if (!candidate) return;  // an unknown kind: others may work
  // Above the agent's limit further candidates are of no use; it counts them.
  (void)transport.ice().add_remote_candidate(now, *candidate).has_value();
}

void Session::Impl::check_negotiation_needed() {
  // W3C webrtc-pc section 4.7.3: told once, and again only after it was not needed for a while.
  if (closed || state.signaling != jsep::SignalingState::stable) return;
  const bool needed = jsep::negotiation_needed(state);
  if (needed && !negotiation_needed) events.emplace_back(event::NegotiationNeeded{});
  negotiation_needed = needed;
}

Mid Session::Impl::transport_mid() const {
  if (state.transport) return state.transport->mid;
  const sdp::Description* local = state.description(jsep::Side::local);
  if (local != nullptr && !local->media.empty() && local->media.front().mid) {
    return *local->media.front().mid;
  }
  return {};
}

// --- Transceivers ---

TransceiverId Session::add_transceiver(MediaKind kind, jsep::TransceiverInit init) {
  const TransceiverId id = jsep::add_transceiver(impl_->state, kind, std::move(init));
  impl_->check_negotiation_needed();
  return id;
}

Result<void> Session::set_direction(TransceiverId id, Direction direction) {
  if (auto set = jsep::set_direction(impl_->state, id, direction); !set) return set;
  impl_->check_negotiation_needed();
  return {};
}

Result<void> Session::set_streams(TransceiverId id, std::vector<std::string> stream_ids) {
  if (auto set = jsep::set_streams(impl_->state, id, std::move(stream_ids)); !set) return set;
  impl_->check_negotiation_needed();
  return {};
}

Result<void> Session::set_codec_preferences(TransceiverId id,
                                            const std::vector<std::string>& names) {
  const jsep::Transceiver* transceiver = impl_->state.find(id);
  if (transceiver == nullptr) return Error{Errc::not_found, "transceiver"};
  auto codecs = jsep::codecs_named(*impl_->state.config, transceiver->kind, names);
  if (!codecs) return codecs.error();
  if (codecs->empty() && !names.empty()) {
    return Error{Errc::invalid_argument, "codecs of the other kind of media"};
  }
  return jsep::set_codec_preferences(impl_->state, id, std::move(*codecs));
}

Result<void> Session::stop(Timestamp now, TransceiverId id) {
  if (auto stopped = jsep::stop(impl_->state, id); !stopped) return stopped;
  // W3C webrtc-pc section 5.4: media end now, the section with the next negotiation.
  impl_->media.halt(now, id);
  if (impl_->state.find(id) == nullptr) impl_->events.emplace_back(event::TransceiverStopped{id});
  impl_->check_negotiation_needed();
  return {};
}

}  // namespace parley
