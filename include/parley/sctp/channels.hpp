// Data channels (RFC 8831) and the protocol that opens them (RFC 8832), over one association.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "parley/sctp/association.hpp"

namespace parley::sctp {

/// RFC 8831 section 6.4; the words of W3C RTCPriorityType.
enum class ChannelPriority : std::uint16_t { very_low = 128, low = 256, medium = 512, high = 1024 };

/// W3C RTCDataChannelInit.
struct ChannelOptions {
  std::string label;     ///< UTF-8, at most 65535 bytes
  std::string protocol;  ///< the same
  bool ordered = true;
  std::optional<std::uint16_t> max_retransmits;  ///< not together with the next
  std::optional<std::chrono::milliseconds> max_packet_lifetime;
  bool negotiated = false;     ///< the application agreed on `id`: nothing is said in-band
  std::optional<StreamId> id;  ///< needed when negotiated
  ChannelPriority priority = ChannelPriority::low;
};

/// W3C RTCDataChannelState.
enum class ChannelState : std::uint8_t { connecting, open, closing, closed };
std::string_view to_string(ChannelState state);

/// Tells channels of one `Channels` apart for its whole life; ids of streams come late and return.
using ChannelHandle = StrongId<struct ChannelHandleTag, std::uint32_t>;

enum class MessageKind : std::uint8_t { text, binary };

/// What the two descriptions said.
struct ChannelsConfig {
  /// The longest message the peer takes (RFC 8841 section 6.1); 0: any.
  std::size_t max_send_message = 64 * 1024;
  /// Channels at the same time; a peer's more are closed at once.
  std::size_t max_channels = 1024;
  /// Handles are given from here upwards.
  std::uint32_t first_handle = 1;
};

/// The peer opened a channel; it is open.
struct ChannelAnnounced {
  ChannelHandle channel;
};
struct ChannelOpened {
  ChannelHandle channel;
};
struct ChannelMessage {
  ChannelHandle channel;
  MessageKind kind = MessageKind::binary;
  std::vector<std::uint8_t> data;
};
/// The bytes that wait fell from above the threshold to it or below. Not for a channel that was
/// empty already.
struct ChannelBufferedAmountLow {
  ChannelHandle channel;
};
/// `send` on this channel said queue_full and would now be taken. Once for each refusal or row of
/// them; not when the channel begins to close first.
struct ChannelSendAvailable {
  ChannelHandle channel;
};
/// The peer or the application began to close it.
struct ChannelClosing {
  ChannelHandle channel;
};
/// Final for this handle. With `failed` something went wrong, and `reason` says what: the
/// association ended, or the peer broke a rule.
struct ChannelClosed {
  ChannelHandle channel;
  bool failed = false;
  std::string reason;
};
/// The association opened or ended, as it said.
struct TransportConnected {};
struct TransportClosed {
  Closed closed;
};
using ChannelEvent = std::variant<ChannelAnnounced, ChannelOpened, ChannelMessage,
                                  ChannelBufferedAmountLow, ChannelSendAvailable, ChannelClosing,
                                  ChannelClosed, TransportConnected, TransportClosed>;

struct ChannelInfo {
  ChannelOptions options;
  std::optional<StreamId> id;
  ChannelState state = ChannelState::connecting;
  std::size_t buffered_amount = 0;  ///< bytes of messages that were not yet sent; 0 without an id
  std::uint64_t messages_sent = 0, messages_received = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
};

/// Which ids are ours to give: even ones for the DTLS client (RFC 8832 section 6).
enum class DtlsRole : std::uint8_t { client, server };

/// Opens, closes and uses data channels.
///
/// Ownership: borrows the association, which outlives it; polls all of its events. Thread rule:
/// that of the association. RFC 8831, 8832; W3C WebRTC section 6.
class Channels {
 public:
  Channels(Association& association, const ChannelsConfig& config);
  Channels(Channels&&) noexcept;
  Channels& operator=(Channels&&) noexcept;
  ~Channels();

  /// Ids are given from now on, and channels made before are opened.
  void set_role(Timestamp now, DtlsRole role);
  void set_max_send_message(std::size_t bytes);
  /// The transport below the association is up and the association about to connect: channels are
  /// open from now on, and what is sent on them travels with the handshake. Otherwise they open
  /// with the association.
  void start(Timestamp now);

  /// Makes a channel; it opens when the association does. Errors: invalid_argument (both limits of
  /// reliability, a negotiated channel without an id, id 65535, a label or protocol that is too
  /// long), invalid_state when the id is in use, too_large above ChannelsConfig::max_channels,
  /// closed.
  Result<ChannelHandle> open(Timestamp now, const ChannelOptions& options);
  /// Takes a message, which may be empty. Errors: not_found; invalid_state unless the channel is
  /// open; too_large for a message above what the peer takes; queue_full, after which nothing was
  /// taken and ChannelSendAvailable follows; and those of Association::send.
  Result<void> send(Timestamp now, ChannelHandle channel, MessageKind kind, Bytes message);
  /// The same without a copy. `message` is empty afterwards, and unchanged after an error.
  Result<void> send(Timestamp now, ChannelHandle channel, MessageKind kind,
                    std::vector<std::uint8_t>&& message);
  /// What was accepted is delivered first; then both directions are reset and the id is free. No
  /// effect on a channel that closes or is gone.
  void close(Timestamp now, ChannelHandle channel);
  /// `close` for every channel; the association stays and takes new ones.
  void close_all(Timestamp now);
  /// The graceful end of everything: no channel takes more, what was accepted is delivered, then
  /// the association shuts down and each channel is closed without failure. At once when the
  /// handshake is not complete.
  void shutdown(Timestamp now);
  /// ChannelBufferedAmountLow comes when the amount falls from above this to it or below. 0 at
  /// first. Setting it tells nothing by itself.
  void set_buffered_amount_low_threshold(ChannelHandle channel, std::size_t bytes);

  /// No ChannelMessage of this channel until `resume`: its messages stay in the receive window, and
  /// when that is full the peer sends nothing more, on any channel. One that begins to close is
  /// resumed by that.
  void pause(ChannelHandle channel);
  void resume(ChannelHandle channel);

  /// Of a closed channel until the event after its ChannelClosed is polled.
  std::optional<ChannelInfo> info(ChannelHandle channel) const;
  /// Those that are not closed.
  std::vector<ChannelHandle> handles() const;
  /// What the next channel will be called.
  ChannelHandle next_handle() const;

  /// Storage of a ChannelMessage that is no longer needed, for messages to come. Empty is fine.
  void recycle(std::vector<std::uint8_t>&& data);

  /// Takes the events of the association; call it wherever those would be polled. nullopt: nothing
  /// happened.
  std::optional<ChannelEvent> poll_event(Timestamp now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::sctp
