// Test 1: messages come back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "echo_client/call.hpp"

namespace echo_client {

/// Sends texts and bytes of several lengths on one reliable ordered channel and demands the same
/// contents back, in order. Whether a text comes back as a text is told, not demanded: some servers
/// do not distinguish.
class DataTest final : public Call {
 public:
  DataTest(parley::Driver& driver, const Options& options);

 private:
  parley::Result<void> prepare(parley::PeerConnection& connection) override;
  void handle_connected() override {}
  std::string progress() const override;
  std::string measured() const override;

  void send_all();
  void handle_message(const parley::DataMessage& message);

  struct Sample {
    parley::MessageKind kind;
    std::vector<std::uint8_t> data;
  };
  std::vector<Sample> samples_;
  std::optional<parley::DataChannel> channel_;
  std::size_t sent_ = 0;
  std::size_t returned_ = 0;
  int other_kind_ = 0;
  parley::Timestamp first_sent_{};
  parley::Duration round_trip_{};
};

}  // namespace echo_client
