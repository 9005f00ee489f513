// A session under a script: the first bytes choose what the application and the peer do, the rest
// is the text of the peer's descriptions. Whatever comes, a plan is made or refused, and what was
// built can be read again and applied.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "fuzz/negotiation_text.hpp"
#include "parley/sdp/jsep.hpp"

using namespace parley;
using namespace parley::jsep;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

LocalFacts facts(const std::string& ufrag) {
  LocalFacts f;
  f.ice_ufrag = ufrag;
  f.ice_pwd = ufrag + "0123456789012345678901";
  f.fingerprints = {{"sha-256", "AB:CD"}};
  return f;
}

class Session {
 public:
  Session() {
    SeededRandom random(1);
    Config config = default_config();
    config.receive_simulcast = true;
    state_ = make_state(std::move(config), random);
  }

  void run(std::uint8_t op, const std::optional<sdp::Description>& remote) {
    const std::size_t count = state_.transceivers.size();
    const TransceiverId id = count == 0 ? TransceiverId{-1} : state_.transceivers[op % count].id;
    const std::string before = test::negotiation_text(state_);
    bool refused = false;
    switch (op % 15) {
      case 0:
        if (count < 16) add_track(state_, MediaKind::audio, {});
        break;
      case 1:
        if (count < 16) add_transceiver(state_, MediaKind::video, {});
        break;
      case 2:
        refused = !stop(state_, id);
        break;
      case 3:
        refused = !set_direction(state_, id, static_cast<Direction>((op / 15) % 4));
        break;
      case 4:
        refused = !want_data(state_);
        break;
      case 5:
        local(SdpType::offer, build_offer(state_, facts(offer_ufrag())));
        break;
      case 6:
        local(SdpType::answer, build_answer(state_, facts(answer_ufrag())));
        break;
      case 7:
        local(SdpType::pranswer, build_answer(state_, facts(answer_ufrag())));
        break;
      case 8:
        refused = !take(plan_rollback(state_, (op / 15) % 2 == 0 ? Side::local : Side::remote));
        break;
      case 9:
        refused = !add_remote_candidate(state_, "candidate:1 1 udp 1 192.0.2.1 1 typ host",
                                        std::nullopt, op / 15);
        break;
      case 10:
        if (remote) refused = !take(plan_remote(state_, SdpType::offer, *remote));
        break;
      case 11:
        if (remote) refused = !take(plan_remote(state_, SdpType::answer, *remote));
        break;
      case 12:
        restart_ice(state_);
        break;
      case 13:
        refused = !set_codec_preferences(
            state_, id, {state_.config->codecs[op / 15 % state_.config->codecs.size()]});
        break;
      default:
        // The peer echoes what we offered, which is nearly an answer.
        if (const auto* d = state_.description(Side::local)) {
          sdp::Description echo = *d;
          for (sdp::Media& m : echo.media) m.transport.setup = sdp::Setup::active;
          refused = !take(plan_remote(state_, SdpType::answer, echo));
        }
    }
    if (refused) require(test::negotiation_text(state_) == before);
    check();
  }

 private:
  std::string fresh() { return "ufrag" + std::to_string(++generation_); }
  std::string present() const { return state_.transport ? state_.transport->local_ufrag : "ufrag"; }
  std::string offer_ufrag() { return ice_restart_wanted(state_) ? fresh() : present(); }
  std::string answer_ufrag() {
    if (!remote_offer_restarts_ice(state_)) return present();
    // A provisional answer has chosen.
    return state_.pending_local != nullptr ? ice_credentials_of(*state_.pending_local).ufrag
                                           : fresh();
  }
  void local(SdpType type, const Result<sdp::Description>& built) {
    if (!built) return;
    const auto read = sdp::Description::parse(sdp::to_string(*built));
    require(read.has_value() && *read == *built);
    const auto plan = plan_local(state_, type, *built);
    require(plan.has_value());
    take(plan);
  }
  bool take(Result<Plan> plan) {
    if (!plan) return false;
    commit(state_, std::move(*plan));
    return true;
  }
  void check() const {
    require((state_.signaling == SignalingState::stable) == (state_.checkpoint == nullptr));
    for (const Transceiver& t : state_.transceivers) {
      require(t.mid.has_value() == t.section.has_value());
    }
    (void)negotiation_needed(state_);
  }
  State state_;
  int generation_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t ops = std::min<std::size_t>(data[0] % 32, size - 1);
  const auto text = as_text({data + 1 + ops, size - 1 - ops});
  std::optional<sdp::Description> remote;
  if (auto d = sdp::Description::parse(text)) remote = std::move(*d);
  Session session;
  for (std::size_t i = 0; i < ops; ++i) session.run(data[1 + i], remote);
  return 0;
}
