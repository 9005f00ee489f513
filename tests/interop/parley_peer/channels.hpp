// The data channels of one call: those of the peer echo, on ours a test talks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "parley/peer_connection.hpp"

namespace interop {

using nlohmann::json;

/// A channel, what is still to be sent on it, and what came. Handlers of the channel refer to it.
class TestChannel {
 public:
  TestChannel(parley::DataChannel channel, bool echoes);
  TestChannel(const TestChannel&) = delete;
  TestChannel& operator=(const TestChannel&) = delete;
  ~TestChannel();

  const std::string& label() const { return label_; }
  bool echoes() const { return echoes_; }
  bool open() const { return channel_.state() == parley::DataChannelState::open; }
  bool closed() const { return closed_; }
  const std::string& reason() const { return reason_; }
  std::optional<std::uint16_t> id() const { return channel_.id(); }

  /// Sends one message of each size and expects all of them back.
  void talk(const std::vector<std::size_t>& sizes, bool text);
  bool all_back() const { return received_.size() >= sent_.size(); }
  /// How many came back, and how many of those are wrong or out of order.
  json compare() const;
  void close() { channel_.close(); }

 private:
  void send(parley::DataMessage message);
  void flush();

  parley::DataChannel channel_;
  std::string label_;
  bool echoes_;
  bool closed_ = false;
  std::string reason_;
  std::vector<parley::DataMessage> sent_;
  std::vector<parley::DataMessage> received_;
  std::vector<parley::DataMessage> waiting_;  ///< for room in the send buffer
};

/// What the request "channel" chooses, with the names of RTCDataChannelInit.
parley::DataChannelInit channel_init_of(const json& request);

}  // namespace interop
