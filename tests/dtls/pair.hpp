// Two transports and the wire between them, on a clock of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "parley/dtls/transport.hpp"

namespace parley::dtls::testing {

/// Identities made once for all tests of the program: key generation is not what they test.
std::shared_ptr<const Identity> client_identity();
std::shared_ptr<const Identity> server_identity();
/// A self-signed certificate with a 2048-bit RSA key, as GStreamer makes them, followed by
/// `extra_certificates` others that make the chain long.
std::shared_ptr<const Identity> rsa_identity(int extra_certificates = 0);

/// One end with what it reported.
struct Peer {
  std::unique_ptr<Transport> transport;
  std::vector<Event> events;

  const Connected* connected() const { return find<Connected>(); }
  const Failed* failed() const { return find<Failed>(); }
  bool closed() const { return find<Closed>() != nullptr; }
  std::vector<std::vector<std::uint8_t>> data() const;

 private:
  template <class T>
  const T* find() const {
    for (const Event& event : events) {
      if (const T* found = std::get_if<T>(&event)) return found;
    }
    return nullptr;
  }
};

enum class Direction { to_server, to_client };

/// A datagram as it was sent.
struct Sent {
  Timestamp at;
  Direction direction;
  std::vector<std::uint8_t> bytes;
};

struct Options {
  Config client;
  Config server;
  std::shared_ptr<const Identity> client_identity = testing::client_identity();
  std::shared_ptr<const Identity> server_identity = testing::server_identity();
  Duration one_way_delay = 10ms;
  /// What both sides are told; none when zero.
  Duration round_trip_time = 20ms;
  bool client_knows_fingerprint = true;
  bool server_knows_fingerprint = true;
};

class Pair {
 public:
  explicit Pair(const Options& options = {});

  /// How many copies of a datagram arrive, and how much later than the others: the nth sent in its
  /// direction, from 0. Default: one, in order.
  struct Fate {
    int copies = 1;
    Duration extra_delay{};
  };
  std::function<Fate(Direction, std::size_t index, const std::vector<std::uint8_t>&)> fate;
  /// May change a datagram on its way.
  std::function<void(Direction, std::size_t index, std::vector<std::uint8_t>&)> tamper;

  void start();
  /// Lets time pass until nothing is on the wire and no timer runs before `limit` from now.
  void run(Duration limit = 60s);
  bool both_connected() const;
  void send(Direction direction, Bytes data);
  void inject(Direction direction, std::vector<std::uint8_t> datagram);

  Peer client;
  Peer server;
  Timestamp now{1'000'000'000us};
  Timestamp started{};
  std::vector<Sent> sent;

 private:
  struct InFlight {
    Timestamp at;
    Direction direction;
    std::vector<std::uint8_t> bytes;
  };
  void drain(Peer& peer, Direction direction);
  void drain_both();
  void deliver_due();
  Peer& receiver(Direction direction) {
    return direction == Direction::to_server ? server : client;
  }

  Options options_;
  std::vector<InFlight> wire_;
  std::size_t counts_[2] = {0, 0};
};

}  // namespace parley::dtls::testing
