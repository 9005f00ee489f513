// The role that sends back what it receives.
#pragma once

#include <set>

#include "echo_server/peer.hpp"

namespace echo_server {

/// Sound and pictures go back on the transceiver they came on, still encoded unless the setting
/// says `transcode`; messages on their channel.
class EchoPeer final : public Peer {
 public:
  EchoPeer(parley::Driver& driver, const Setting& setting, std::string id)
      : Peer(driver, setting, std::move(id), Role::echo) {}

 private:
  parley::Result<void> prepare() override;
  void handle_connected() override;
  void handle_data_channel(const parley::DataChannel& channel) override;
  void echo_encoded(parley::Transceiver transceiver);
  void echo_decoded(parley::Transceiver transceiver);
  void speak(parley::Transceiver transceiver, parley::Timestamp due);

  std::set<int> adopted_;  ///< transceivers that have their handlers
};

}  // namespace echo_server
