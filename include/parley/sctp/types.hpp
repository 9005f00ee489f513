// The vocabulary of an SCTP association as WebRTC uses it (RFC 8831): identifiers, options,
// configuration, events, statistics.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "parley/base/ids.hpp"
#include "parley/base/log.hpp"
#include "parley/base/time.hpp"
#include "parley/sctp/congestion.hpp"

namespace parley::sctp {

/// A stream is what carries one direction of a data channel, and both have the same number: 0 to
/// 65534 (RFC 8831 section 6.5).
using StreamId = ChannelId;

/// SCTP payload protocol identifiers of WebRTC (RFC 8831 section 8).
enum class Ppid : std::uint32_t {
  dcep = 50,
  text = 51,
  binary_partial = 52,  ///< deprecated; taken, never sent
  binary = 53,
  text_partial = 54,  ///< deprecated; taken, never sent
  text_empty = 56,
  binary_empty = 57,
};

/// How one message is carried. The default is ordered and reliable.
struct SendOptions {
  bool ordered = true;
  /// Each part of the message is sent again at most so many times, then the whole message is
  /// abandoned (RFC 7496 section 3.1). 0: sent once.
  std::optional<std::uint32_t> max_retransmits;
  /// The message is abandoned when it was not delivered within this time (RFC 3758 section 4).
  std::optional<Duration> lifetime;
  /// For the small messages of a protocol between the application and SCTP: `buffered_amount` does
  /// not count them, and they are taken even when Config::send_buffer is full.
  bool control = false;
};

/// Why an association is no more.
enum class CloseCause : std::uint8_t {
  shutdown,            ///< the graceful way, by either side
  aborted_locally,     ///< `abort` was called
  aborted_by_peer,     ///< an ABORT came; `Closed::code` has its first cause
  timed_out,           ///< Config::max_retransmissions in a row without an answer
  peer_restarted,      ///< the peer began a new association
  protocol_violation,  ///< the peer broke a rule that cannot be passed over
  out_of_resources,    ///< the peer made us hold more than Config allows
};
std::string_view to_string(CloseCause cause);

struct Config {
  std::uint16_t local_port = 5000;
  std::uint16_t remote_port = 5000;
  /// The largest SCTP packet in bytes that the transport below carries, at least 200. The default
  /// is a UDP payload of 1200 bytes less what DTLS 1.2 with AES-GCM adds.
  std::size_t mtu = 1163;
  /// The longest message that is taken from the peer, in bytes (SDP `a=max-message-size`). One that
  /// grows beyond it ends the association.
  std::size_t max_receive_message = 256 * 1024;
  /// Bytes that may wait for the application or for gaps to fill: the window told to the peer. The
  /// default keeps 100 Mbit/s busy over 200 ms while losses are repaired: five round trips.
  std::size_t receive_window = 12 * 1024 * 1024;
  /// The bound of all that the peer can make us hold, unfinished messages included. 0 means twice
  /// the window plus four of the longest messages.
  std::size_t max_reassembly = 0;
  /// Bytes that `send` takes before the peer has acknowledged them. A first message may be longer.
  std::size_t send_buffer = 16 * 1024 * 1024;
  /// Streams that the peer can have in use; messages on more are acknowledged and dropped.
  std::size_t max_inbound_streams = 4096;
  /// RFC 9260 section 6.3.1. WebRTC's paths are shorter than the Internet of the RFC's 1 s; the
  /// floor stays above a peer's delayed acknowledgement of 200 ms.
  Duration rto_initial = 500ms;
  Duration rto_min = 400ms;
  Duration rto_max = 5s;
  Duration delayed_ack = 50ms;        ///< at most 500 ms (RFC 9260 section 6.2)
  Duration heartbeat_interval = 30s;  ///< of silence; zero turns heartbeats off
  Duration cookie_lifetime = 60s;     ///< Valid.Cookie.Life
  /// Timeouts in a row that end the association. None by default: whether the path lives is decided
  /// by ICE consent, which survives changes of networks.
  std::optional<int> max_retransmissions;
  bool interleaving = true;   ///< offer I-DATA (RFC 8260); used when both sides do
  bool zero_checksum = true;  ///< offer RFC 9653 over DTLS; used when the peer does
  /// Makes the congestion controller; empty means `make_model_controller`.
  std::function<std::unique_ptr<CongestionController>(std::size_t mtu)> congestion_control;
  LogSink* log = nullptr;  ///< outlives the association
};

/// The handshake is complete: data flows both ways.
struct Connected {
  bool interleaving = false;
  bool zero_checksum = false;        ///< what we send carries no checksum
  bool partial_reliability = false;  ///< the peer understands FORWARD-TSN
  bool stream_reset = false;         ///< the peer understands RE-CONFIG
};
/// A whole message. Give `data` back with `Association::recycle` to spare an allocation.
struct Message {
  StreamId stream;
  std::uint32_t ppid = 0;
  std::vector<std::uint8_t> data;
};
/// The peer will send nothing more on these streams, and may begin anew (RFC 6525).
struct IncomingStreamsReset {
  std::vector<StreamId> streams;
};
/// What `reset_streams` asked for was done.
struct OutgoingStreamsReset {
  std::vector<StreamId> streams;
};
/// The peer refused; the streams can be used on.
struct StreamResetRefused {
  std::vector<StreamId> streams;
};
/// `buffered_amount(stream)` fell to the threshold or below.
struct BufferedAmountLow {
  StreamId stream;
};
/// `send` said queue_full and would now take something.
struct SendBufferAvailable {};
/// Final.
struct Closed {
  CloseCause cause = CloseCause::shutdown;
  std::uint16_t code = 0;  ///< the peer's error cause (RFC 9260 section 3.3.10), 0 for none
  std::string reason;      ///< the text of a user-initiated abort
};
using Event = std::variant<Connected, Message, IncomingStreamsReset, OutgoingStreamsReset,
                           StreamResetRefused, BufferedAmountLow, SendBufferAvailable, Closed>;

/// The states of RFC 9260 section 4; `closed` before `connect` and after the end.
enum class State : std::uint8_t {
  closed,
  cookie_wait,
  cookie_echoed,
  established,
  shutdown_pending,
  shutdown_sent,
  shutdown_received,
  shutdown_ack_sent,
};
std::string_view to_string(State state);

/// Packets and chunks that were not used, and why.
struct Drops {
  std::uint64_t malformed = 0;  ///< too short, wrong lengths, wrong ports
  std::uint64_t bad_checksum = 0;
  std::uint64_t wrong_tag = 0;      ///< not of this association, or not now
  std::uint64_t bad_cookie = 0;     ///< forged or stale
  std::uint64_t out_of_window = 0;  ///< data beyond the window, or too scattered
  std::uint64_t bad_stream = 0;     ///< more streams than Config allows
  std::uint64_t old_messages = 0;   ///< numbers that were passed already
  std::uint64_t replies = 0;        ///< answers that did not fit the short queue for them
};

struct Stats {
  State state = State::closed;
  std::uint64_t packets_sent = 0, packets_received = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;  ///< of SCTP packets
  std::uint64_t messages_sent = 0, messages_received = 0;
  std::uint64_t messages_abandoned = 0;
  std::uint64_t chunks_sent = 0, chunks_retransmitted = 0, chunks_received = 0;
  std::uint64_t duplicates_received = 0;
  std::uint64_t timeouts = 0, fast_recoveries = 0, tail_probes = 0;
  std::size_t congestion_window = 0, slow_start_threshold = 0, in_flight = 0;
  std::size_t chunks_in_flight = 0;  ///< not yet acknowledged cumulatively
  /// At which packets leave; nullopt: as the window allows.
  std::optional<DataRate> pacing_rate;
  std::size_t peer_window = 0;   ///< the last told, in bytes
  std::size_t local_window = 0;  ///< ours, in bytes
  std::size_t buffered = 0;      ///< bytes accepted and not yet acknowledged
  std::optional<Duration> smoothed_round_trip;
  Duration retransmission_timeout{};
  std::size_t mtu = 0;
  Drops drops;
};

}  // namespace parley::sctp
