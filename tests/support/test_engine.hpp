// An engine whose every answer the test decides: for the drivers' own tests and benchmarks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "parley/machine.hpp"

namespace parley::test {

class TestEngine final : public Engine {
 public:
  struct Received {
    Timestamp at;
    Path path;
    std::vector<std::uint8_t> bytes;
  };

  /// Queues a datagram; the driver fetches it at its next poll (`Driver::wake`).
  void send(const Path& path, std::vector<std::uint8_t> bytes) {
    out_.push_back({path, std::move(bytes)});
  }

  std::function<void(Timestamp, const Path&, MutableBytes)> on_datagram;
  std::function<void(Timestamp)> on_timeout;
  /// Runs in deliver_events, the place where applications act; true asks to be called again.
  std::function<bool(Timestamp)> on_deliver;
  /// Asked instead of the queue when set.
  std::function<std::optional<Transmit>(Timestamp, MutableBytes)> on_poll;
  Timestamp deadline = kNever;
  bool keep_received = true;
  std::vector<Received> received;
  std::uint64_t received_count = 0;
  std::uint64_t timeouts = 0;

  // Engine
  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) override {
    ++received_count;
    if (keep_received) received.push_back({now, path, {bytes.begin(), bytes.end()}});
    if (on_datagram) on_datagram(now, path, bytes);
  }
  void handle_timeout(Timestamp now) override {
    ++timeouts;
    if (on_timeout) on_timeout(now);
  }
  std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage) override {
    if (on_poll) return on_poll(now, storage);
    if (out_.empty()) return std::nullopt;
    const auto [path, bytes] = std::move(out_.front());
    out_.pop_front();
    std::copy(bytes.begin(), bytes.end(), storage.begin());
    return Transmit{path, storage.first(bytes.size())};
  }
  Timestamp next_timeout() const override { return deadline; }
  bool deliver_events(Timestamp now) override { return on_deliver && on_deliver(now); }

 private:
  struct Outgoing {
    Path path;
    std::vector<std::uint8_t> bytes;
  };
  std::deque<Outgoing> out_;
};

}  // namespace parley::test
