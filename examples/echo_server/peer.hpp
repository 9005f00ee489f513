// One peer of the server: a connection that answers offers, and a role that says what becomes of
// its media.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "echo_server/fragment.hpp"
#include "echo_server/recorder.hpp"
#include "parley/machine.hpp"
#include "parley/peer_connection.hpp"

namespace echo_server {

enum class Role { echo, publisher, viewer };
/// "echo", "publisher", "viewer"
std::string_view to_string(Role role);

/// What all peers of a server have in common.
struct Setting {
  parley::Configuration configuration;
  bool transcode = false;
  std::optional<std::filesystem::path> record;
};

/// The base of the three roles. Owned by `Peers`; used on the driver's sequence only. The handlers
/// of the connection hold no reference on the peer, because it owns the connection.
class Peer : public std::enable_shared_from_this<Peer> {
 public:
  using Answered = std::function<void(parley::Result<std::string>)>;

  Peer(parley::Driver& driver, const Setting& setting, std::string id, Role role);
  virtual ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Applies an offer; the first one makes the connection. `answered` gets the answer with all
  /// candidates in it, in this call or when they are gathered.
  /// Errors: what PeerConnection says of the description, and what the role says of it
  /// (incompatible).
  void handle_offer(const std::string& sdp, Answered answered);
  /// RFC 8838: further candidates of the peer. Those that mean nothing here are passed over.
  void add_candidates(const IceFragment& fragment);
  /// RFC 9725 section 4.3.3: new credentials of the peer, answered by new ones of ours.
  void restart_ice(const IceFragment& fragment,
                   std::function<void(parley::Result<IceFragment>)> done);
  /// What the peer's last description said, to tell a restart from further candidates.
  std::optional<IceFragment> remote_credentials() const;
  /// Says goodbye. No handler runs afterwards; a pending answer becomes an error.
  void close();

  const std::string& id() const { return id_; }
  Role role() const { return role_; }
  /// Names the ICE session (RFC 9725 section 4.3.1), quotes included.
  const std::string& etag() const { return etag_; }
  parley::ConnectionState state() const;
  std::string failure_reason() const;
  bool was_connected() const { return was_connected_; }
  parley::StatsReport stats() const;

  /// The connection is over: it failed, or the peer hung up. May destroy the peer.
  std::function<void()> on_over;

 protected:
  /// The offer is applied, the answer not yet made: transceivers get directions and handlers here.
  /// An error refuses the call.
  virtual parley::Result<void> prepare() = 0;
  virtual void handle_connected() {}
  virtual void handle_data_channel(const parley::DataChannel&) {}
  virtual void handle_closed() {}

  parley::Driver& driver() { return driver_; }
  parley::PeerConnection& connection() { return *connection_; }
  const Setting& setting() const { return setting_; }
  /// Null unless the setting says where.
  Recorder* recorder() { return recorder_.get(); }

 private:
  parley::Result<void> make_connection();
  parley::Result<void> check_answer(const std::string& sdp) const;
  parley::Result<void> apply_offer(const std::string& sdp);
  void handle_state(parley::ConnectionState state);
  void finish_answer();
  void renew_etag();

  parley::Driver& driver_;
  const Setting& setting_;
  const std::string id_;
  const Role role_;
  std::string etag_;
  std::unique_ptr<parley::PeerConnection> connection_;
  std::unique_ptr<Recorder> recorder_;
  Answered answered_;  ///< waits for the candidates
  bool was_connected_ = false;
};

}  // namespace echo_server
