// All peers of the server, by their ids.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "echo_server/file_player.hpp"
#include "echo_server/options.hpp"
#include "echo_server/peer.hpp"
#include "echo_server/stream.hpp"

namespace echo_server {

/// Makes peers, finds them, and lets them go when they hung up, failed, lost consent (RFC 7675) or
/// never connected. On the driver's sequence; the driver outlives it.
class Peers {
 public:
  struct Answer {
    std::string id;
    std::string sdp;
    std::string etag;
  };
  using Answered = std::function<void(parley::Result<Answer>)>;
  /// `std::nullopt` when nothing needs to be said.
  using Patched = std::function<void(parley::Result<std::optional<IceFragment>>)>;

  struct Status {
    std::string state;   ///< W3C RTCPeerConnectionState
    std::string reason;  ///< why it failed; empty otherwise
    Role role = Role::echo;
  };

  /// `clips` are played to viewers while nobody publishes; they may be empty.
  Peers(parley::Driver& driver, const Options& options, parley::Configuration configuration,
        Clips clips = {});
  ~Peers();

  /// A new peer. Errors: those of Peer::handle_offer; queue_full at the limit; invalid_state when
  /// the stream is taken (publisher) or carries nothing (viewer).
  void open(Role role, const std::string& stream, const std::string& sdp, Answered answered);
  /// A further offer in a call. Errors: also not_found.
  void renegotiate(const std::string& id, const std::string& sdp, Answered answered);
  /// Trickle ICE or ICE restart, as the fragment says. Errors: not_found; those of the restart.
  void patch(Role role, const std::string& id, const IceFragment& fragment, Patched patched);
  /// False when there is no such peer.
  bool hang_up(Role role, const std::string& id);
  void hang_up_all();

  const Peer* find(Role role, const std::string& id) const;
  /// webrtc-stats as a JSON array, also of the last peers that are gone; nullopt for others.
  std::optional<std::string> stats(const std::string& id) const;
  std::optional<Status> status(const std::string& id) const;
  std::size_t size() const { return peers_.size(); }

 private:
  struct Gone {
    std::string id;
    std::string stats;
    Status status;
  };

  parley::Result<std::shared_ptr<Peer>> make(Role role, const std::string& stream);
  std::string new_id();
  void watch(const std::shared_ptr<Peer>& peer);
  void release(const std::string& id);
  const Gone* find_gone(const std::string& id) const;

  parley::Driver& driver_;
  Setting setting_;
  std::size_t max_peers_;
  std::shared_ptr<const Clips> clips_;
  std::map<std::string, std::shared_ptr<Stream>> streams_;
  std::map<std::string, std::shared_ptr<Peer>> peers_;
  std::deque<Gone> gone_;
  /// Tasks that are posted look here whether there is still somebody.
  std::shared_ptr<Peers*> self_;
};

}  // namespace echo_server
