// Messages back on the channel they came on.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "parley/data_channel.hpp"

namespace echo_server {

/// Echoes one channel. What the connection cannot take at once waits here, in order, until it can.
/// A peer that sends and never reads makes this queue grow: at `kMaxWaiting` its channel is closed,
/// because no message may be lost in silence. The channel's handlers own it.
class DataEcho : public std::enable_shared_from_this<DataEcho> {
 public:
  static constexpr std::size_t kMaxWaiting = 16 * 1024 * 1024;  ///< bytes

  /// Sets the handlers of `channel`.
  static void attach(const parley::DataChannel& channel);

 private:
  explicit DataEcho(const parley::DataChannel& channel) : channel_(channel) {}
  void handle_message(parley::DataMessage& message);
  void send_waiting();
  parley::Result<void> send(parley::DataMessage& message);

  parley::DataChannel channel_;
  std::deque<parley::DataMessage> waiting_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace echo_server
