// One SCTP association (RFC 9260) in WebRTC's profile (RFC 8831): one peer, one path, over DTLS.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/random.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"
#include "parley/machine.hpp"
#include "parley/sctp/types.hpp"

namespace parley::sctp {

/// Carries messages on streams, each message whole and once.
///
/// Packets are the payloads of DTLS records, so there are no addresses here and the peer is who
/// DTLS says. Ownership: owns what it was given to send until the peer has it or it is abandoned.
/// Thread rule: one sequence of execution. Order of calls: any; both sides may `connect` at the
/// same time, and a side that does not is opened by the other. RFC 9260, 3758, 6525, 7053, 8260,
/// 9653.
class Association {
 public:
  /// `random` outlives the association. Tags, numbers and the cookie's key come from it.
  Association(const Config& config, Random& random, Timestamp now);
  Association(Association&&) noexcept;
  Association& operator=(Association&&) noexcept;
  ~Association();

  /// Starts the handshake. Messages given to `send` before travel with its third packet. No effect
  /// when it has begun.
  void connect(Timestamp now);

  /// The INIT chunk of this association for signalling (draft-hancke-tsvwg-snap, `a=sctp-init`).
  std::vector<std::uint8_t> local_init() const;
  /// Whether `connect_with` would take these bytes.
  static bool is_usable_init(Bytes remote_init);
  /// Establishes the association with the peer's INIT chunk from signalling, without a handshake;
  /// the peer does the same with ours. Errors: malformed; invalid_state after another beginning.
  Result<void> connect_with(Timestamp now, Bytes remote_init);

  /// Takes a message of at least one byte. It may be called before the association is established.
  /// Errors: invalid_argument (no bytes, stream 65535, or one that the peer does not accept),
  /// queue_full (Config::send_buffer; SendBufferAvailable follows), invalid_state while the stream
  /// is being reset, closed.
  Result<void> send(Timestamp now, StreamId stream, std::uint32_t ppid, Bytes message,
                    const SendOptions& options = {});
  /// The same without a copy: large messages are best handed over. `message` is empty afterwards,
  /// and unchanged after an error.
  Result<void> send(Timestamp now, StreamId stream, std::uint32_t ppid,
                    std::vector<std::uint8_t>&& message, const SendOptions& options = {});

  /// When the next message comes on the stream, those that wait there to be sent in order, and of
  /// which nothing was sent yet, go out unordered; those with SendOptions::control stay in order.
  void unorder_when_heard(StreamId stream);

  /// Streams share the path by weight: RFC 8831 section 6.4 has 128, 256, 512 and 1024 for its four
  /// priorities (256 is normal). 0 counts as 1.
  void set_weight(StreamId stream, std::uint16_t weight);
  /// Bytes taken for this stream that were not yet sent for the first time.
  std::size_t buffered_amount(StreamId stream) const;
  /// BufferedAmountLow comes when the amount falls from above to this or below. 0 at first.
  void set_buffered_amount_low_threshold(StreamId stream, std::size_t bytes);

  /// Asks the peer to let the streams begin anew, after all that was sent on them is acknowledged
  /// (RFC 6525 section 5.1.2). `send` on them is refused until OutgoingStreamsReset. Errors:
  /// unsupported when the peer does not know RE-CONFIG; closed.
  Result<void> reset_streams(Timestamp now, const std::vector<StreamId>& streams);

  /// The graceful end: what was taken is delivered first (RFC 9260 section 9.2).
  void shutdown(Timestamp now);
  /// The end at once; one ABORT with `reason` can still be polled.
  void abort(Timestamp now, std::string_view reason = {});

  /// Takes one SCTP packet.
  void handle_packet(Timestamp now, Bytes packet);
  void handle_timeout(Timestamp now);
  /// The next packet to send, a view of `storage`, which has at least Config::mtu bytes.
  std::optional<Bytes> poll_transmit(Timestamp now, MutableBytes storage);
  /// Bytes of messages that were not polled yet keep the peer's window small.
  std::optional<Event> poll_event();
  Timestamp next_timeout() const;
  /// A polled message of so many bytes is kept unread: it counts as if it had not been polled, and
  /// the peer is held back by the window, until the same number is given to `release`.
  void hold_back(std::size_t bytes);
  void release(std::size_t bytes);

  /// Storage of a Message that is no longer needed, for messages to come.
  void recycle(std::vector<std::uint8_t>&& data);

  /// What the descriptions agreed on (RFC 8841 section 5), before anything is sent.
  void set_ports(std::uint16_t local, std::uint16_t remote);
  /// What ICE or DTLS measured: the first retransmission timeout follows (three round trips, within
  /// Config). Ignored after the first measurement of our own.
  void set_round_trip_time(Duration round_trip);
  /// What leaves from now on takes another path: the window, the round trip and the retransmission
  /// timeout begin anew, and what the old path may have swallowed is not waited for longer than
  /// that timeout (RFC 9260 section 6.3.2, RFC 8085 section 3.1).
  void handle_path_change(Timestamp now, std::optional<Duration> round_trip);
  /// The transport now carries packets of so many bytes (at least 200). What was sent before is
  /// sent again as it was: SCTP cannot cut a chunk anew.
  void set_mtu(std::size_t mtu);

  /// Config::max_receive_message.
  std::size_t max_receive_message() const;
  State state() const;
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
static_assert(TimedCore<Association>);

}  // namespace parley::sctp
