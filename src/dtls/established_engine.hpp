// An association after its handshake.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "dtls/alert.hpp"
#include "dtls/datagram_queue.hpp"
#include "dtls/record_layer.hpp"
#include "parley/dtls/engine.hpp"

namespace parley::dtls {

/// The Engine of DTLS 1.2 from Established on: records of application data, alerts, and the last
/// flight for a peer that has not seen it. It has no timer, and keeps two ciphers and little else
/// where the library's object of a whole association would stay for its handshake alone.
class EstablishedEngine final : public Engine {
 public:
  /// What a handshake leaves behind.
  struct Handover {
    Established report;
    RecordLayer records;
    /// The handshake's last flight when it was ours, otherwise empty.
    std::vector<std::vector<std::uint8_t>> last_flight;
    DatagramQueue outgoing;  ///< Not polled yet; the last flight among them.
    std::size_t max_datagram_size = 0;
    std::uint64_t retransmissions = 0;
  };

  EstablishedEngine(Timestamp now, Handover handover);

  void start(Timestamp) override {}
  std::optional<MutableBytes> handle_datagram(Timestamp now, MutableBytes datagram,
                                              FirstRecord first) override;
  void handle_timeout(Timestamp) override {}
  Timestamp next_timeout() const override { return kNever; }
  std::optional<Bytes> poll_transmit(MutableBytes storage) override {
    return outgoing_.pop(storage);
  }
  std::optional<Event> poll_event() override;
  Result<void> send(Bytes data) override;
  Result<MutableBytes> protect(Bytes data, MutableBytes storage) override;
  std::size_t max_data_size() const override { return max_record_data(max_datagram_size_); }
  void close() override;
  void set_initial_timeout(Duration) override {}
  std::uint64_t retransmissions() const override { return retransmissions_; }
  std::unique_ptr<Engine> take_successor() override { return nullptr; }

 private:
  Result<void> check_sendable(Bytes data) const;
  Result<void> queue_record(ContentType type, Bytes content);
  void queue_alert(AlertLevel level, AlertDescription description);
  void handle_alert(Bytes content);
  void handle_handshake(Timestamp now, Bytes message);
  void handle_unprotected(Timestamp now, ContentType type, Bytes content);
  void repeat_last_flight(Timestamp now);

  RecordLayer records_;
  DatagramQueue outgoing_;
  std::list<Event> events_;
  std::vector<std::vector<std::uint8_t>> last_flight_;
  Timestamp last_flight_sent_;
  std::size_t max_datagram_size_;
  std::uint64_t retransmissions_;
  bool ended_ = false;
};

}  // namespace parley::dtls
