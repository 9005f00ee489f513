// Data channels between two PeerConnections on the simulator.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "call_scene.hpp"

namespace parley::test {

/// What one channel's application saw, in order.
struct ChannelLog {
  explicit ChannelLog(DataChannel c) : channel(std::move(c)) {}
  DataChannel channel;
  int opened = 0, low = 0, writable = 0, closing = 0, closed = 0;
  std::string reason;
  std::vector<std::string> messages;
  std::vector<MessageKind> kinds;
};

/// Listens to a channel for the rest of its life.
inline std::shared_ptr<ChannelLog> listen(DataChannel channel) {
  auto log = std::make_shared<ChannelLog>(channel);
  channel.on_open([log] { ++log->opened; });
  channel.on_message([log](DataMessage& message) {
    log->messages.emplace_back(message.text());
    log->kinds.push_back(message.kind);
  });
  channel.on_buffered_amount_low([log] { ++log->low; });
  channel.on_writable([log] { ++log->writable; });
  channel.on_closing([log] { ++log->closing; });
  channel.on_close([log](std::string_view reason) {
    ++log->closed;
    log->reason = reason;
  });
  return log;
}

/// A call whose media, if any, comes beside data channels.
class DataScene : public CallScene {
 public:
  static Options data_only() {
    Options options;
    options.audio = options.video = false;
    return options;
  }
  explicit DataScene(Options options = data_only()) : CallScene(std::move(options)) {
    for (Side* side : {&a, &b}) {
      side->pc->on_data_channel([this, side](DataChannel channel) {
        auto& known = side == &a ? announced_to_a : announced_to_b;
        known.push_back(listen(std::move(channel)));
      });
    }
  }

  std::shared_ptr<ChannelLog> open(Side& side, const std::string& label = "data",
                                   const DataChannelInit& init = {}) {
    auto made = side.pc->create_data_channel(label, init);
    REQUIRE(made);
    return listen(*made);
  }

  /// Negotiates from `a` and waits until every channel of `a` is known to `b`.
  void connect() {
    negotiate(a, b);
    REQUIRE(run_until([&] {
      const auto ours = a.pc->data_channels();
      return connected() && announced_to_b.size() == ours.size() &&
             std::all_of(ours.begin(), ours.end(), [](const DataChannel& channel) {
               return channel.state() == DataChannelState::open;
             });
    }));
  }
  bool connected() const {
    return a.pc->connection_state() == ConnectionState::connected &&
           b.pc->connection_state() == ConnectionState::connected;
  }

  template <class Condition>
  bool run_until(Condition condition, Duration limit = 10s) {
    return network().run_until(condition, limit);
  }

  /// The channels that the other side opened.
  std::vector<std::shared_ptr<ChannelLog>> announced_to_a, announced_to_b;
};

}  // namespace parley::test
