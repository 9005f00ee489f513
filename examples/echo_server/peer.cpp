#include "echo_server/peer.hpp"

#include <utility>

namespace echo_server {
namespace {

using namespace parley;
using namespace std::chrono_literals;

/// Host candidates are known at once; what a STUN server says is waited for so long.
constexpr Duration kGatheringTime = 1s;

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::echo:
      return "echo";
    case Role::publisher:
      return "publisher";
    case Role::viewer:
      return "viewer";
  }
  return "";
}

Peer::Peer(Driver& driver, const Setting& setting, std::string id, Role role)
    : driver_(driver), setting_(setting), id_(std::move(id)), role_(role) {
  renew_etag();
  if (setting.record) recorder_ = std::make_unique<Recorder>(driver, *setting.record, id_);
}

Peer::~Peer() = default;

void Peer::renew_etag() {
  // Unlike any other of this server, so that a stale one never fits.
  etag_ = '"' + std::to_string(driver_.random().u64()) + '"';
}

Result<void> Peer::make_connection() {
  auto made = PeerConnection::create(driver_, setting_.configuration);
  if (!made) return made.error();
  connection_ = std::move(*made);
  connection_->on_connection_state_change([this](ConnectionState state) { handle_state(state); });
  connection_->on_ice_gathering_state_change([this](IceGatheringState state) {
    if (state == IceGatheringState::complete) finish_answer();
  });
  connection_->on_data_channel([this](DataChannel channel) { handle_data_channel(channel); });
  return {};
}

// RFC 9725 section 4.4.3: a session that carries half of what was asked for is none.
Result<void> Peer::check_answer(const std::string& sdp) const {
  if (role_ == Role::echo) return {};
  const auto answer = sdp::Description::parse(sdp);
  if (!answer) return answer.error();
  for (const sdp::Media& media : answer->media) {
    if (media.media_kind() && media.is_rejected())
      return Error{Errc::incompatible, "no " + media.kind + " codec in common"};
  }
  return {};
}

Result<void> Peer::apply_offer(const std::string& sdp) {
  if (!connection_) {
    if (auto made = make_connection(); !made) return made;
  }
  if (auto set = connection_->set_remote_description({SdpType::offer, sdp}); !set) return set;
  auto prepared = prepare();
  if (prepared) {
    const auto answer = connection_->set_local_description();
    prepared = answer ? check_answer(answer->sdp) : answer.error();
    if (prepared) return {};
  }
  // A live call goes on as it was.
  (void)connection_->rollback().has_value();
  return prepared;
}

void Peer::handle_offer(const std::string& sdp, Answered answered) {
  if (answered_) return answered(Error{Errc::invalid_state, "another offer is being answered"});
  if (auto applied = apply_offer(sdp); !applied) return answered(applied.error());
  answered_ = std::move(answered);
  if (connection_->ice_gathering_state() == IceGatheringState::complete) return finish_answer();
  driver_.post_at(driver_.now() + kGatheringTime, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->finish_answer();
  });
}

void Peer::finish_answer() {
  if (!answered_ || !connection_) return;
  const auto answered = std::exchange(answered_, nullptr);
  const auto description = connection_->local_description();
  if (!description) return answered(Error{Errc::invalid_state, "no answer"});
  answered(description->sdp);
}

void Peer::add_candidates(const IceFragment& fragment) {
  for (const auto& candidate : fragment.candidates) {
    IceCandidate line{.candidate = candidate.line, .sdp_mid = candidate.mid};
    if (candidate.mid.empty()) line.sdp_m_line_index = 0;
    (void)connection_->add_ice_candidate(line).has_value();
  }
  if (!fragment.end_of_candidates) return;
  (void)connection_->add_ice_candidate({.candidate = "", .sdp_m_line_index = 0}).has_value();
}

std::optional<IceFragment> Peer::remote_credentials() const {
  const auto description = connection_->remote_description();
  if (!description) return std::nullopt;
  const auto parsed = sdp::Description::parse(description->sdp);
  return parsed ? ice_of(*parsed) : std::nullopt;
}

void Peer::restart_ice(const IceFragment& fragment, std::function<void(Result<IceFragment>)> done) {
  const auto description = connection_->remote_description();
  auto parsed = description ? sdp::Description::parse(description->sdp)
                            : Result<sdp::Description>{Error{Errc::invalid_state, "no call"}};
  if (!parsed) return done(parsed.error());
  const std::string offer = sdp::to_string(with_ice(std::move(*parsed), fragment));
  handle_offer(offer, [this, done = std::move(done)](Result<std::string> answer) {
    if (!answer) return done(answer.error());
    const auto ours = sdp::Description::parse(*answer);
    const auto ice = ours ? ice_of(*ours) : std::nullopt;
    if (!ice) return done(Error{Errc::invalid_state, "no credentials"});
    renew_etag();
    done(*ice);
  });
}

void Peer::handle_state(ConnectionState state) {
  if (state == ConnectionState::connected) {
    was_connected_ = true;
    handle_connected();
  }
  if ((state == ConnectionState::failed || state == ConnectionState::closed) && on_over) {
    const auto over = on_over;
    over();
  }
}

void Peer::close() {
  handle_closed();
  if (connection_) connection_->close();
  if (answered_)
    std::exchange(answered_, nullptr)(Error{Errc::closed, "the server ended the call"});
}

ConnectionState Peer::state() const {
  return connection_ ? connection_->connection_state() : ConnectionState::new_;
}

std::string Peer::failure_reason() const {
  return connection_ ? connection_->failure_reason() : std::string{};
}

StatsReport Peer::stats() const { return connection_ ? connection_->get_stats() : StatsReport{}; }

}  // namespace echo_server
