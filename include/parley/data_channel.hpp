// Data channels of a connection (W3C RTCDataChannel; RFC 8831, RFC 8832).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"
#include "parley/sctp/channels.hpp"

namespace parley {

namespace peer {
class Connection;
}

/// W3C RTCDataChannelState: connecting, open, closing, closed.
using DataChannelState = sctp::ChannelState;
/// W3C RTCPriorityType: very_low, low, medium, high, in the ratio 1 to 2 to 4 to 8 of the path.
using DataChannelPriority = sctp::ChannelPriority;
using sctp::MessageKind;

/// W3C RTCDataChannelInit. Reliable and ordered unless it says otherwise.
struct DataChannelInit {
  bool ordered = true;
  /// Each part of a message is sent again at most so often, then the message is given up. Not
  /// together with `max_packet_lifetime`.
  std::optional<std::uint16_t> max_retransmits;
  /// A message that was not delivered within this time is given up.
  std::optional<std::chrono::milliseconds> max_packet_lifetime;
  std::string protocol;  ///< UTF-8, at most 65535 bytes
  /// Both applications create the channel with the same `id`; nothing is said in-band.
  bool negotiated = false;
  /// 0 to 65534; needed when negotiated, chosen by the DTLS role when empty (RFC 8832 section 6).
  std::optional<std::uint16_t> id;
  DataChannelPriority priority = DataChannelPriority::low;
};

/// One message as it was sent: whole, and of the kind the sender said.
struct DataMessage {
  MessageKind kind = MessageKind::binary;
  std::vector<std::uint8_t> data;

  bool is_text() const { return kind == MessageKind::text; }
  /// The bytes as text; the peer promised UTF-8, and nobody checked.
  std::string_view text() const {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
};

/// A handle on one data channel. A value that may be copied and kept; once the channel or its
/// connection is gone, calls answer Errc::closed and the state is `closed`. Handlers belong to the
/// channel, not to the handle: each replaces the one set before, and setting one to nothing is
/// allowed. They run on the connection's sequence when it is at rest and may call anything.
///
/// A handler that is set inside `PeerConnection::on_data_channel` sees every message.
class DataChannel {
 public:
  /// What it was created with, by whichever side.
  std::string label() const;
  std::string protocol() const;
  bool ordered() const;
  std::optional<std::uint16_t> max_retransmits() const;
  std::optional<std::chrono::milliseconds> max_packet_lifetime() const;
  bool negotiated() const;
  DataChannelPriority priority() const;
  /// The SCTP stream; empty until the DTLS role is known, unless given.
  std::optional<std::uint16_t> id() const;
  DataChannelState state() const;

  /// Takes a message of any length up to what the peer takes (`a=max-message-size`). What was taken
  /// is sent, or given up by the channel's own reliability limits, and never dropped otherwise
  /// while the connection lives.
  /// Errors: invalid_state unless the channel is open; too_large beyond the peer's limit;
  /// queue_full when Configuration::data.send_buffer is used up: nothing was taken, and on_writable
  /// comes; closed.
  Result<void> send(std::string_view text);
  Result<void> send(Bytes binary);
  /// Without a copy; `binary` is unchanged after an error.
  Result<void> send(std::vector<std::uint8_t>&& binary);
  /// Literals are text, not addresses.
  Result<void> send(const char* text) { return send(std::string_view{text}); }

  /// Bytes taken that have not left for the first time.
  std::size_t buffered_amount() const;
  /// on_buffered_amount_low comes when the amount falls from above this to this or below. 0 at
  /// first.
  void set_buffered_amount_low_threshold(std::size_t bytes);

  /// Holds the peer back: no on_message until `resume`. What comes meanwhile stays in the receive
  /// window (DataConfig::receive_window, shared by all channels of the connection), and when that
  /// is full the peer sends nothing more, on any channel. Nothing is lost. A channel that begins to
  /// close is resumed by that, so that on_close comes last. Both may be called at any time, inside
  /// on_message too, and are no-ops on a channel that is gone.
  void pause();
  void resume();

  /// What was taken is delivered first; then the channel is closed at both ends and its id is free
  /// (RFC 8831 section 6.7). Idempotent.
  void close();

  void on_open(std::function<void()> handler);
  /// The message may be moved from; what is left of it is used again.
  void on_message(std::function<void(DataMessage&)> handler);
  void on_buffered_amount_low(std::function<void()> handler);
  /// A `send` that answered queue_full would now be taken.
  void on_writable(std::function<void()> handler);
  /// The peer or this side began to close.
  void on_closing(std::function<void()> handler);
  /// Final. An empty reason: it was closed in good order; otherwise what ended it, in a sentence.
  void on_close(std::function<void(std::string_view reason)> handler);

  friend bool operator==(const DataChannel& a, const DataChannel& b) {
    return a.handle_ == b.handle_ && !a.connection_.owner_before(b.connection_) &&
           !b.connection_.owner_before(a.connection_);
  }

 private:
  friend class PeerConnection;
  friend class peer::Connection;
  DataChannel(std::weak_ptr<peer::Connection> connection, sctp::ChannelHandle handle)
      : connection_(std::move(connection)), handle_(handle) {}
  std::weak_ptr<peer::Connection> connection_;
  sctp::ChannelHandle handle_;
};

}  // namespace parley
