// The end of an association: ABORT and SHUTDOWN (RFC 9260 section 9).
#include <algorithm>

#include "sctp/association_impl.hpp"

namespace parley::sctp {
namespace {
constexpr std::size_t kMaxReplies = 4;
constexpr std::size_t kMaxReason = 128;
constexpr std::uint16_t kUserInitiated = 12;
constexpr std::uint16_t kProtocolViolation = 13;
}  // namespace

// A packet of its own, outside the order of the others. What does not fit the short queue is
// dropped: the peer will ask again.
void Association::Impl::reply(ChunkType type, std::uint8_t flags, std::uint32_t tag, Bytes value) {
  if (replies.size() >= kMaxReplies) {
    ++counters.drops.replies;
    return;
  }
  std::vector<std::uint8_t> storage(kCommonHeaderSize + kChunkHeaderSize + padded(value.size()));
  PacketWriter out{storage, config.local_port, config.remote_port, tag};
  out.add(type, flags, value);
  out.finish(Checksum::crc32c);
  replies.push_back(std::move(storage));
}

void Association::Impl::finish(CloseCause cause, std::uint16_t code, std::string reason) {
  state = State::closed;
  ended = true;
  t1 = t2 = t3 = sack_at = sack_repeat_at = probe_at = heartbeat_at = reset_at = kNever;
  window_probe_at = pace_at = kNever;
  init_due = cookie_echo_due = cookie_ack_due = sack_due = false;
  shutdown_due = shutdown_ack_due = heartbeat_due = forward_tsn_due = false;
  reset_due = reset_response_due = probe_due = false;
  if (config.log != nullptr && config.log->wants(Severity::info)) {
    config.log->write(Severity::info, "sctp",
                      "association closed: " + std::string{to_string(cause)} +
                          (code != 0 ? " (cause " + std::to_string(code) + ")" : "") +
                          (reason.empty() ? "" : ": " + reason));
  }
  events.push_back(Closed{cause, code, std::move(reason)});
}

void Association::Impl::abort_with(std::uint16_t code, std::string_view reason, CloseCause cause) {
  if (peer_known) {
    const std::string_view told = reason.substr(0, kMaxReason);
    std::vector<std::uint8_t> value(4 + told.size());
    store_be16(value.data(), code);
    store_be16(value.data() + 2, static_cast<std::uint16_t>(value.size()));
    std::copy(told.begin(), told.end(), value.begin() + 4);
    reply(ChunkType::abort, 0, peer_tag, value);
  }
  finish(cause, 0, std::string{reason});
}

void Association::Impl::handle_abort(const Chunk& chunk) {
  if (ended || state == State::closed) return;
  Closed closed{CloseCause::aborted_by_peer, 0, {}};
  if (const auto cause = ParameterReader{chunk.value}.next()) {
    closed.code = cause->type;
    if (cause->type == kUserInitiated || cause->type == kProtocolViolation) {
      closed.reason = as_text(cause->value.first(std::min(cause->value.size(), kMaxReason)));
    }
  }
  finish(closed.cause, closed.code, std::move(closed.reason));
}

// Goes on when everything of ours is acknowledged (section 9.2).
void Association::Impl::advance_shutdown(Timestamp now) {
  if (!queue.empty() || !flight.empty()) return;
  if (state == State::shutdown_pending) {
    state = State::shutdown_sent;
    shutdown_due = true;
  } else if (state == State::shutdown_received) {
    state = State::shutdown_ack_sent;
    shutdown_ack_due = true;
  } else {
    return;
  }
  t2 = now + rto.rto();
}

void Association::Impl::handle_shutdown(Timestamp now, const Chunk& chunk) {
  ByteReader r{chunk.value};
  const std::uint32_t cumulative = r.u32();
  if (!r.ok()) {
    ++counters.drops.malformed;
    return;
  }
  switch (state) {
    case State::established:
    case State::shutdown_pending:
      state = State::shutdown_received;
      break;
    case State::shutdown_received:
      break;
    case State::shutdown_sent:  // both at once: answer, and wait for the other's answer
      state = State::shutdown_ack_sent;
      shutdown_due = false;
      shutdown_ack_due = true;
      t2 = now + rto.rto();
      return;
    case State::shutdown_ack_sent:
      shutdown_ack_due = true;
      return;
    default:
      return;
  }
  const std::size_t before = flight.in_flight();
  take_acknowledgement(now, flight.acknowledge_cumulative(now, cumulative), before, 0);
  advance_shutdown(now);
}

void Association::Impl::handle_shutdown_ack(Timestamp, std::uint32_t tag) {
  if (state == State::shutdown_sent || state == State::shutdown_ack_sent) {
    reply(ChunkType::shutdown_complete, 0, peer_tag, {});
    finish(CloseCause::shutdown, 0, {});
  } else if (ended || state == State::cookie_wait || state == State::cookie_echoed) {
    // Section 8.4 rule 5: our SHUTDOWN COMPLETE was lost.
    reply(ChunkType::shutdown_complete, kTagReflected, tag, {});
  }
}

void Association::Impl::handle_shutdown_complete() {
  if (state == State::shutdown_ack_sent) finish(CloseCause::shutdown, 0, {});
}

}  // namespace parley::sctp
