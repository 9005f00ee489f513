#include "echo_server/peers.hpp"

#include <algorithm>
#include <utility>

#include "echo_server/echo_peer.hpp"
#include "echo_server/publishing.hpp"

namespace echo_server {
namespace {

using namespace parley;
using namespace std::chrono_literals;

/// A peer that was answered and never came.
constexpr Duration kTimeToConnect = 30s;
/// Peers that are gone whose figures are kept.
constexpr std::size_t kGoneKept = 64;
/// Names of streams are kept as long as somebody uses them; nobody can make many.
constexpr std::size_t kMaxStreams = 256;

}  // namespace

Peers::Peers(Driver& driver, const Options& options, Configuration configuration, Clips clips)
    : driver_(driver),
      setting_{std::move(configuration), options.transcode, options.record},
      max_peers_(options.max_peers),
      clips_(std::make_shared<const Clips>(std::move(clips))),
      self_(std::make_shared<Peers*>(this)) {}

Peers::~Peers() {
  *self_ = nullptr;
  hang_up_all();
}

std::string Peers::new_id() {
  // 128 bits of the system's randomness: who guesses an id could end the call (RFC 9725 section 5).
  static constexpr char kDigits[] = "0123456789abcdef";
  std::array<std::uint8_t, 16> bytes;
  driver_.random().fill(bytes);
  std::string id;
  for (const std::uint8_t byte : bytes) {
    id += kDigits[byte >> 4];
    id += kDigits[byte & 15];
  }
  return id;
}

Result<std::shared_ptr<Peer>> Peers::make(Role role, const std::string& name) {
  if (peers_.size() >= max_peers_) return Error{Errc::queue_full, "as many calls as allowed"};
  if (role == Role::echo) {
    std::shared_ptr<Peer> peer = std::make_shared<EchoPeer>(driver_, setting_, new_id());
    return peer;
  }
  std::erase_if(streams_, [](const auto& entry) { return entry.second.use_count() == 1; });
  const auto known = streams_.find(name);
  const bool live = known != streams_.end() && known->second->content();
  if (role == Role::publisher) {
    if (live) return Error{Errc::invalid_state, "somebody else publishes this stream"};
    if (streams_.size() >= kMaxStreams)
      return Error{Errc::queue_full, "as many streams as allowed"};
    auto& stream = streams_[name];
    if (!stream) stream = std::make_shared<Stream>();
    std::shared_ptr<Peer> peer =
        std::make_shared<PublisherPeer>(driver_, setting_, new_id(), stream);
    return peer;
  }
  if (!live && clips_->empty()) return Error{Errc::invalid_state, "nobody publishes this stream"};
  std::shared_ptr<Peer> peer = std::make_shared<ViewerPeer>(
      driver_, setting_, new_id(), live ? known->second : FilePlayer::play(driver_, clips_));
  return peer;
}

void Peers::open(Role role, const std::string& stream, const std::string& sdp, Answered answered) {
  auto made = make(role, stream);
  if (!made) return answered(made.error());
  const std::shared_ptr<Peer> peer = *made;
  peers_.emplace(peer->id(), peer);
  watch(peer);
  peer->handle_offer(sdp, [this, self = self_, peer, answered](Result<std::string> answer) {
    if (answer) return answered(Answer{peer->id(), *answer, peer->etag()});
    if (*self != nullptr) peers_.erase(peer->id());
    answered(answer.error());
  });
}

void Peers::watch(const std::shared_ptr<Peer>& peer) {
  // The id, not the peer: nothing here keeps it alive.
  const auto later = [this, self = self_, id = peer->id()] {
    if (*self != nullptr) release(id);
  };
  peer->on_over = [this, later] { driver_.post(later); };
  driver_.post_at(driver_.now() + kTimeToConnect,
                  [self = self_, weak = std::weak_ptr<Peer>(peer), later] {
                    const auto alive = weak.lock();
                    if (alive && !alive->was_connected()) later();
                  });
}

void Peers::release(const std::string& id) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  const std::shared_ptr<Peer> peer = found->second;
  if (gone_.size() == kGoneKept) gone_.pop_front();
  Status status = *this->status(id);
  if (!peer->was_connected() && status.reason.empty()) status.reason = "never connected";
  gone_.push_back({id, peer->stats().to_json(), std::move(status)});
  peers_.erase(found);
  peer->close();
  gone_.back().status.state = "closed";
}

void Peers::renegotiate(const std::string& id, const std::string& sdp, Answered answered) {
  const auto found = peers_.find(id);
  if (found == peers_.end() || found->second->role() != Role::echo)
    return answered(Error{Errc::not_found, "no such call"});
  const std::shared_ptr<Peer> peer = found->second;
  peer->handle_offer(sdp, [peer, answered = std::move(answered)](Result<std::string> answer) {
    if (!answer) return answered(answer.error());
    answered(Answer{peer->id(), *answer, peer->etag()});
  });
}

void Peers::patch(Role role, const std::string& id, const IceFragment& fragment, Patched patched) {
  if (find(role, id) == nullptr) return patched(Error{Errc::not_found, "no such session"});
  const std::shared_ptr<Peer> peer = peers_.at(id);
  const auto known = peer->remote_credentials();
  const bool renewed = !fragment.ufrag.empty() && (!known || known->ufrag != fragment.ufrag ||
                                                   known->password != fragment.password);
  if (!renewed) {
    peer->add_candidates(fragment);
    return patched(std::optional<IceFragment>{});
  }
  peer->restart_ice(fragment, [peer, patched = std::move(patched)](Result<IceFragment> ours) {
    if (!ours) return patched(ours.error());
    patched(std::optional<IceFragment>{std::move(*ours)});
  });
}

bool Peers::hang_up(Role role, const std::string& id) {
  if (find(role, id) == nullptr) return false;
  release(id);
  return true;
}

void Peers::hang_up_all() {
  const auto peers = std::exchange(peers_, {});
  for (const auto& [id, peer] : peers) peer->close();
}

const Peer* Peers::find(Role role, const std::string& id) const {
  const auto found = peers_.find(id);
  return found != peers_.end() && found->second->role() == role ? found->second.get() : nullptr;
}

const Peers::Gone* Peers::find_gone(const std::string& id) const {
  const auto found =
      std::find_if(gone_.begin(), gone_.end(), [&](const Gone& gone) { return gone.id == id; });
  return found != gone_.end() ? &*found : nullptr;
}

std::optional<std::string> Peers::stats(const std::string& id) const {
  if (const auto found = peers_.find(id); found != peers_.end())
    return found->second->stats().to_json();
  if (const Gone* gone = find_gone(id)) return gone->stats;
  return std::nullopt;
}

std::optional<Peers::Status> Peers::status(const std::string& id) const {
  if (const auto found = peers_.find(id); found != peers_.end()) {
    const Peer& peer = *found->second;
    return Status{std::string(parley::to_string(peer.state())), peer.failure_reason(), peer.role()};
  }
  if (const Gone* gone = find_gone(id)) return gone->status;
  return std::nullopt;
}

}  // namespace echo_server
