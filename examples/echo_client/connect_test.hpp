// Test 0: a connection comes up.
#pragma once

#include "echo_client/call.hpp"

namespace echo_client {

/// Offers a video track and sends nothing on it.
class ConnectTest final : public Call {
 public:
  ConnectTest(parley::Driver& driver, const Options& options) : Call(driver, options) {}

 private:
  parley::Result<void> prepare(parley::PeerConnection& connection) override {
    auto video = connection.add_transceiver(parley::MediaKind::video);
    if (!video) return video.error();
    return {};
  }
  void handle_connected() override { finish({}); }
  std::string progress() const override { return "connected"; }
};

}  // namespace echo_client
