#include "parley/ice/agent.hpp"

namespace parley::ice {

std::string_view to_string(CandidateType type) {
  switch (type) {
    case CandidateType::host:
      return "host";
    case CandidateType::server_reflexive:
      return "srflx";
    case CandidateType::peer_reflexive:
      return "prflx";
    case CandidateType::relayed:
      return "relay";
  }
  return "";
}

std::string_view to_string(Protocol protocol) { return protocol == Protocol::udp ? "udp" : "tcp"; }

std::string_view to_string(Role role) {
  return role == Role::controlling ? "controlling" : "controlled";
}

std::string_view to_string(State state) {
  switch (state) {
    case State::new_:
      return "new";
    case State::checking:
      return "checking";
    case State::connected:
      return "connected";
    case State::completed:
      return "completed";
    case State::disconnected:
      return "disconnected";
    case State::failed:
      return "failed";
    case State::closed:
      return "closed";
  }
  return "";
}

std::string_view to_string(GatheringState state) {
  switch (state) {
    case GatheringState::new_:
      return "new";
    case GatheringState::gathering:
      return "gathering";
    case GatheringState::complete:
      return "complete";
  }
  return "";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::progress:
      return "progress";
    case Cause::no_pairs:
      return "no pairs";
    case Cause::checks_failed:
      return "checks failed";
    case Cause::silence:
      return "silence";
    case Cause::consent_expired:
      return "consent expired";
    case Cause::closed_locally:
      return "closed locally";
  }
  return "";
}

std::string_view to_string(PairState state) {
  switch (state) {
    case PairState::frozen:
      return "frozen";
    case PairState::waiting:
      return "waiting";
    case PairState::in_progress:
      return "in-progress";
    case PairState::succeeded:
      return "succeeded";
    case PairState::failed:
      return "failed";
  }
  return "";
}

}  // namespace parley::ice
