// The parts of an association and how they are wired. Each source beside it holds one topic.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "parley/sctp/association.hpp"
#include "sctp/flight.hpp"
#include "sctp/init_chunk.hpp"
#include "sctp/pacer.hpp"
#include "sctp/packet.hpp"
#include "sctp/reassembly.hpp"
#include "sctp/receive_tracker.hpp"
#include "sctp/reconfig_chunk.hpp"
#include "sctp/rto.hpp"
#include "sctp/state_cookie.hpp"

namespace parley::sctp {

/// A part is cut smaller than the room only down to this: shorter ones cost more than they fill.
inline constexpr std::size_t kMinPart = 256;

/// Parts of an association, for tests of states that take too long to reach from outside.
SendQueue& send_queue_of(Association& association);
Reassembly& reassembly_of(Association& association);

struct Association::Impl {
  Impl(const Config& config, Random& random, Timestamp now);
  void begin_path();

  // association_handshake.cpp
  InitChunk our_init() const;
  void start_handshake(Timestamp now);
  void handle_init(Timestamp now, const Packet& packet, const Chunk& chunk);
  void handle_init_ack(Timestamp now, const Chunk& chunk);
  void handle_cookie_echo(Timestamp now, const Chunk& chunk);
  void handle_cookie_ack(Timestamp now);
  void take_peer(const InitChunk& peer);
  void enter_established(Timestamp now);

  // association_end.cpp
  void handle_abort(const Chunk& chunk);
  void handle_shutdown(Timestamp now, const Chunk& chunk);
  void handle_shutdown_ack(Timestamp now, std::uint32_t tag_for_reply);
  void handle_shutdown_complete();
  void advance_shutdown(Timestamp now);
  void finish(CloseCause cause, std::uint16_t code, std::string reason);
  void abort_with(std::uint16_t code, std::string_view reason, CloseCause cause);
  void reply(ChunkType type, std::uint8_t flags, std::uint32_t tag, Bytes value);

  // association_receive.cpp
  void handle_packet(Timestamp now, Bytes bytes);
  bool tag_is_right(const Packet& packet, const Chunk& first) const;
  void handle_out_of_the_blue(const Packet& packet, const Chunk& first);
  bool handle_chunk(Timestamp now, const Chunk& chunk);  // false: leave the rest
  void handle_data(Timestamp now, const Chunk& chunk);
  void handle_forward_tsn(Timestamp now, const Chunk& chunk);
  void handle_error(const Chunk& chunk);
  void handle_heartbeat_ack(Timestamp now, const Chunk& chunk);
  void deliver();
  void plan_sack(Timestamp now);
  void keep_sacks_apart();
  void report_error(std::uint16_t cause, Bytes value);
  std::size_t receive_limit() const;
  std::size_t held() const { return event_bytes + (reassembly ? reassembly->held() : 0); }
  std::size_t window() const;

  // association_acks.cpp
  void handle_sack(Timestamp now, const Chunk& chunk);
  void take_acknowledgement(Timestamp now, const AckOutcome& outcome, std::size_t before,
                            std::size_t needless);
  void react_to_losses(Timestamp now, std::size_t lost);
  void settle_released(Timestamp now);

  // association_send.cpp
  Result<void> accept(StreamId stream, std::size_t size, bool control);
  void enqueue(Timestamp now, StreamId stream, std::uint32_t ppid, MessageIndex message,
               const SendOptions& options);
  std::optional<Bytes> poll_transmit(Timestamp now, MutableBytes storage);
  void write_control(Timestamp now, PacketWriter& out);
  void write_sack_chunk(PacketWriter& out);
  void write_forward_tsn_chunk(Timestamp now, PacketWriter& out);
  bool has_data_for_window() const;
  void write_repeats(PacketWriter& out);
  bool write_retransmissions(Timestamp now, PacketWriter& out);
  void write_new_data(Timestamp now, PacketWriter& out);
  void write_probe(Timestamp now, PacketWriter& out);
  void write_part(PacketWriter& out, std::int64_t tsn, bool immediate);
  bool may_send_data() const;
  bool must_acknowledge_at_once(std::size_t wire_size) const;

  // association_timers.cpp
  void handle_timeout(Timestamp now);
  Timestamp next_timeout() const;
  void handle_t1(Timestamp now);
  void handle_t2(Timestamp now);
  void handle_t3(Timestamp now);
  bool note_silence();  // false: it was one too many, and the association has ended
  void plan_probe(Timestamp now);
  void plan_heartbeat(Timestamp now);
  void release_memory();

  // association_reset.cpp
  void handle_re_config(Timestamp now, const Chunk& chunk);
  void handle_outgoing_reset(const OutgoingResetRequest& request);
  void handle_reset_response(Timestamp now, const ReconfigResponse& response);
  void perform_incoming_reset(const std::vector<StreamId>& streams);
  void finish_deferred_reset();
  void start_next_reset();
  void write_re_config(Timestamp now, PacketWriter& out);

  Config config;
  Random& random;
  State state = State::closed;
  bool ended = false;  // closed for good

  // Numbers of this side are made once: there is one peer, and an INIT ACK that answers the peer's
  // INIT must carry the tag of our own INIT anyway (RFC 9260 section 5.2.1).
  std::uint32_t local_tag = 0;
  std::uint32_t local_initial_tsn = 0;
  std::uint32_t peer_tag = 0;
  bool peer_known = false;
  std::uint16_t peer_streams = 65'535;
  DataFormat format = DataFormat::data;
  Connected features;
  CookieJar cookies;
  std::vector<std::uint8_t> cookie;  // to echo

  MessagePool pool;
  SendQueue queue{pool};
  Flight flight{pool, queue};
  ReceiveTracker tracker;
  std::optional<Reassembly> reassembly;
  RtoEstimator rto;
  std::unique_ptr<CongestionController> congestion;
  Pacer pacer;

  // Sending.
  std::size_t peer_window = 0;       // told last
  std::size_t peer_window_left = 0;  // less what is in flight
  std::size_t buffered = 0;          // taken and not acknowledged
  bool send_refused = false;
  bool window_probe_due = false;             // one part may go into the closed window
  std::optional<std::int64_t> recovery_end;  // fast recovery exit point
  bool fast_retransmit = false;              // one packet may pass the window
  Ring<std::int64_t> repeats;                // TSNs to send once more in another packet
  std::size_t repeats_sent = 0;              // and not yet reported as duplicates
  bool probe_due = false;
  bool probe_spent = false;  // one for each acknowledgement
  std::int64_t forward_tsn_sent = 0;
  Timestamp last_data_sent{};
  Timestamp next_rtt_sample{};
  Timestamp path_since{};

  // Acknowledging.
  bool sack_due = false;
  bool data_in_packet = false;
  bool skip_in_packet = false;  // FORWARD TSN
  int packets_unacknowledged = 0;
  std::int64_t sack_tells = 0;                  // highest TSN when the SACK became due; 0: none is
  std::array<std::int64_t, 2> earlier_sacks{};  // the same of those that wait before it
  std::size_t sacks_apart = 0;                  // how many of these wait
  int sacks_due_together = 0;
  static constexpr int kManySacks = 8;
  static constexpr Duration kSackRepeat = 500ms;
  static constexpr int kSackRepeats = 2;
  int sack_repeats = 0;  // that are left
  std::size_t window_told = 0;
  std::vector<GapBlock> gaps;
  std::vector<std::uint32_t> duplicates;
  std::vector<SkippedMessage> skipped;

  // What the next packet carries.
  bool init_due = false, cookie_echo_due = false, cookie_ack_due = false;
  bool init_repeated = false;
  bool cookie_ack_in_doubt = false;  // the peer has acknowledged nothing since
  bool shutdown_due = false, shutdown_ack_due = false;
  bool heartbeat_due = false, forward_tsn_due = false;
  std::vector<std::uint8_t> heartbeat_reply;
  std::vector<std::uint8_t> errors;         // causes for an ERROR chunk
  Ring<std::vector<std::uint8_t>> replies;  // whole packets

  // Stream reset (RFC 6525).
  struct ResetRequest {
    std::uint32_t number = 0;
    std::uint32_t last_tsn = 0;
    std::vector<StreamId> streams;
  };
  std::vector<StreamId> resets_waiting;
  std::optional<ResetRequest> reset_out;
  std::optional<ResetRequest> reset_in;  // deferred until its last TSN came
  bool reset_due = false;
  bool reset_response_due = false;
  std::uint32_t next_request_number = 0;
  std::uint32_t expected_request_number = 0;
  ReconfigResponse last_response;

  // Deadlines.
  Timestamp t1 = kNever, t2 = kNever, t3 = kNever, sack_at = kNever;
  Timestamp sack_repeat_at = kNever;
  Timestamp probe_at = kNever, heartbeat_at = kNever, reset_at = kNever, window_probe_at = kNever;
  Timestamp pace_at = kNever;  // data waits for the pacer only
  int silences = 0;
  std::uint64_t heartbeat_nonce = 0;  // of the request that is unanswered
  Timestamp heartbeat_sent{};

  Ring<Event> events;
  Ring<Message> messages;  // scratch between reassembly and events
  std::size_t event_bytes = 0;
  Stats counters;

  // Defined here, because only a member sees what an association is made of.
  static Impl& of(Association& association) { return *association.impl_; }
  friend SendQueue& send_queue_of(Association& a) { return of(a).queue; }
  friend Reassembly& reassembly_of(Association& a) { return *of(a).reassembly; }
};

}  // namespace parley::sctp
