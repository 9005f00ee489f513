// The data channels of one session: an SCTP association and the channels above it. Packets here are
// the contents of DTLS records; protecting them is the transport plane's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/log.hpp"
#include "parley/base/random.hpp"
#include "parley/base/time.hpp"
#include "parley/config.hpp"
#include "parley/events.hpp"
#include "parley/sctp/association.hpp"
#include "parley/sctp/channels.hpp"
#include "parley/sdp/state.hpp"
#include "parley/stats.hpp"

namespace parley::peer {

/// What the secure transport is, once DTLS is done.
struct DataTransport {
  sctp::DtlsRole role = sctp::DtlsRole::client;
  std::size_t max_packet_size = 0;  ///< what one record carries, in bytes
  std::optional<Duration> round_trip_time;
};

/// Opens, uses and closes the channels of a session.
///
/// There is an association from the first channel or the first negotiated data section on; a
/// session without either pays nothing. It begins when both are there: the negotiated section and
/// the secure transport. Both sides begin (RFC 8831 section 6.1 expects it of neither or both), and
/// channels are open from that moment, so that their first messages travel with the handshake.
/// Ownership: owns both; `random` outlives it. One sequence of execution.
class DataPlane {
 public:
  DataPlane(const DataConfig& config, LogSink* log, Random& random);
  ~DataPlane();

  // --- What the session learns ---

  /// Our INIT chunk for a description (SNAP).
  std::vector<std::uint8_t> local_init();
  void negotiate(Timestamp now, const jsep::DataParameters& parameters);
  /// The data section was rejected: the channels close; a later negotiation may begin anew.
  void reject(Timestamp now);
  void start(Timestamp now, const DataTransport& transport);
  void handle_path_change(Timestamp now, std::optional<Duration> round_trip);
  /// The transport ended for this reason: the channels close with it.
  void lose(Timestamp now, std::string_view reason);
  /// This side closes the connection: one ABORT can still be polled.
  void abort(Timestamp now);

  // --- Channels (Session has the rules) ---

  Result<sctp::ChannelHandle> open(Timestamp now, const sctp::ChannelOptions& options);
  Result<void> send(Timestamp now, sctp::ChannelHandle channel, sctp::MessageKind kind,
                    Bytes message);
  Result<void> send(Timestamp now, sctp::ChannelHandle channel, sctp::MessageKind kind,
                    std::vector<std::uint8_t>&& message);
  void close(Timestamp now, sctp::ChannelHandle channel);
  void set_buffered_amount_low_threshold(sctp::ChannelHandle channel, std::size_t bytes);
  void pause(Timestamp now, sctp::ChannelHandle channel);
  void resume(Timestamp now, sctp::ChannelHandle channel);
  std::optional<sctp::ChannelInfo> info(sctp::ChannelHandle channel) const;
  std::vector<sctp::ChannelHandle> handles() const;
  std::optional<std::size_t> max_message_size() const;
  void recycle(std::vector<std::uint8_t>&& data);

  // --- The contract of machine.hpp, with packets in the place of datagrams ---

  void handle_packet(Timestamp now, Bytes packet);
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;
  std::optional<Bytes> poll_packet(Timestamp now, MutableBytes storage);
  std::optional<SessionEvent> poll_event();

  void add_stats(StatsReport& report) const;

 private:
  /// What exists only with channels. The channels borrow the association beside them.
  struct Live {
    Live(const DataConfig& config, LogSink* log, Random& random, Timestamp now,
         std::uint32_t first_handle);
    sctp::Association association;
    sctp::Channels channels;
    bool begun = false;
  };
  Live& live();
  void begin_if_ready(Timestamp now);
  std::optional<SessionEvent> translate(sctp::ChannelEvent&& event);
  std::optional<SessionEvent> poll_event(Live& live);
  void note_open(sctp::ChannelHandle channel);
  void note_left(sctp::ChannelHandle channel);

  DataConfig config_;
  LogSink* log_;
  Random& random_;
  std::unique_ptr<Live> live_;
  std::unique_ptr<Live> retired_;  ///< of a rejected section, until its events are polled
  std::optional<jsep::DataParameters> negotiated_;
  std::size_t max_message_size_ = 0;  ///< to send; 0: any
  std::optional<DataTransport> transport_;
  std::uint32_t next_handle_ = 1;
  /// Why channels close, when it is not their own doing.
  std::string end_reason_;
  /// Events are polled without a time: they happen at the last input.
  Timestamp now_{};
  std::unordered_set<sctp::ChannelHandle> open_;
  std::uint64_t opened_ = 0, closed_ = 0;  ///< entered, and left, the open state
};

}  // namespace parley::peer
