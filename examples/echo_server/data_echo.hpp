// Messages back on the channel they came on.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "parley/data_channel.hpp"

namespace echo_server {

/// Echoes one channel. While much waits to be sent nothing more is taken, so that a peer that sends
/// and never reads is held back by its own receive window: nothing is lost, and nothing grows. The
/// channel's handlers own it.
class DataEcho : public std::enable_shared_from_this<DataEcho> {
 public:
  /// Bytes that wait to be sent, above which nothing is taken and below which it is again.
  static constexpr std::size_t kHigh = 1024 * 1024;
  static constexpr std::size_t kLow = 256 * 1024;

  /// Sets the handlers of `channel`.
  static void attach(const parley::DataChannel& channel);

 private:
  explicit DataEcho(const parley::DataChannel& channel) : channel_(channel) {}
  void handle_message(parley::DataMessage& message);
  void go_on();
  parley::Result<void> send(parley::DataMessage& message);

  parley::DataChannel channel_;
  /// What the connection could not take.
  std::optional<parley::DataMessage> waiting_;
};

}  // namespace echo_server
