// What goes out: the order of chunks in a packet, retransmissions and new data (RFC 9260
// section 6.1).
#include <algorithm>

#include "sctp/association_impl.hpp"

namespace parley::sctp {
namespace {
constexpr std::size_t kMaxStreamId = 65'534;
}  // namespace

Result<void> Association::Impl::accept(StreamId stream, std::size_t size, bool control) {
  if (ended || (state != State::closed && state != State::cookie_wait &&
                state != State::cookie_echoed && state != State::established)) {
    return Error{Errc::closed, "send"};
  }
  if (size == 0) return Error{Errc::invalid_argument, "send: no bytes"};
  if (stream.value() > kMaxStreamId || stream.value() >= peer_streams) {
    return Error{Errc::invalid_argument, "send: no such stream"};
  }
  const OutgoingStream* const s = queue.find(stream.value());
  if (s != nullptr && s->resetting) {
    return Error{Errc::invalid_state, "send: the stream is being reset"};
  }
  if (!control && buffered > 0 && buffered + size > config.send_buffer) {
    send_refused = true;
    return Error{Errc::queue_full, "send"};
  }
  return {};
}

void Association::Impl::enqueue(Timestamp now, StreamId stream, std::uint32_t ppid, MessageIndex at,
                                const SendOptions& options) {
  OutgoingMessage& m = pool[at];
  buffered += m.data.size();
  m.stream = stream.value();
  m.ppid = ppid;
  m.unordered = !options.ordered;
  m.control = options.control;
  m.max_retransmits = options.max_retransmits.value_or(kUnlimited);
  if (options.lifetime) m.expires = now + *options.lifetime;
  queue.push(at);
  ++counters.messages_sent;
}

bool Association::Impl::may_send_data() const {
  return state == State::established || state == State::shutdown_pending ||
         state == State::shutdown_received || (state == State::cookie_echoed && cookie_echo_due);
}

std::optional<Bytes> Association::Impl::poll_transmit(Timestamp now, MutableBytes storage) {
  if (!replies.empty() && replies.front().size() <= storage.size()) {
    const std::vector<std::uint8_t> packet = replies.pop_front();
    std::copy(packet.begin(), packet.end(), storage.begin());
    ++counters.packets_sent;
    counters.bytes_sent += packet.size();
    return storage.first(packet.size());
  }
  if (state == State::closed) return std::nullopt;
  std::size_t limit = config.mtu;
  if (flight.lost_count() > 0) {
    // After the path has become narrower a lost part can be longer than a packet should be. It
    // cannot be cut again, so it goes as it is.
    if (const auto tsn = flight.next_lost(now)) {
      limit = std::max(limit, kCommonHeaderSize + flight.at(*tsn).wire_size);
    }
  }
  storage = storage.first(std::min(storage.size(), limit));
  PacketWriter out{storage, config.local_port, config.remote_port, init_due ? 0 : peer_tag};
  bool needs_checksum = !features.zero_checksum;
  if (init_due) {
    InitChunk init = our_init();
    // Pion throws away one with a parameter that it does not know (association_handshake.cpp), and
    // repeats its own after 3, 9 and 21 s. When no answer came the parameter is not worth that.
    if (init_repeated) init.zero_checksum = false;
    init.write_to(out.add(ChunkType::init, 0, init.value_size()));
    init_due = false;
    needs_checksum = true;
  } else if (state != State::cookie_wait) {
    needs_checksum = needs_checksum || cookie_echo_due;  // RFC 9653 section 5.1
    write_control(now, out);
    const std::size_t room = out.room();
    if (may_send_data()) {
      pacer.update(now, congestion->pacing_rate(), config.mtu);
      pace_at = kNever;
      if (probe_due) {
        write_probe(now, out);
      } else if (!pacer.open()) {
        if (has_data_for_window()) pace_at = pacer.opens_at();
      } else {
        write_repeats(out);
        if (write_retransmissions(now, out)) write_new_data(now, out);
      }
      // Abandoning may have been all that there was to do. Behind data no control chunk may stand
      // (section 6.10; usrsctp, in libdatachannel, answers one with ABORT): then the next packet
      // begins with it.
      if (forward_tsn_due && state != State::cookie_echoed && out.room() == room) {
        write_forward_tsn_chunk(now, out);
      }
      settle_released(now);
    }
    cookie_echo_due = false;
  }
  if (out.empty()) return std::nullopt;
  const Bytes packet = out.finish(needs_checksum ? Checksum::crc32c : Checksum::zero);
  ++counters.packets_sent;
  counters.bytes_sent += packet.size();
  return packet;
}

// Something would leave now if the pacer let it.
bool Association::Impl::has_data_for_window() const {
  if (flight.in_flight() >= congestion->window() && !fast_retransmit) return false;
  return flight.lost_count() > 0 || !repeats.empty() ||
         (!queue.empty() && (peer_window_left >= kMinPart || window_probe_due));
}

// Control chunks come before data (section 6.10).
void Association::Impl::write_control(Timestamp now, PacketWriter& out) {
  if (cookie_echo_due) {
    out.add(ChunkType::cookie_echo, 0, cookie);
    return;  // nothing but data may follow before COOKIE ACK (section 5.1 C)
  }
  if (state == State::cookie_echoed) return;
  if (cookie_ack_due) {
    out.add(ChunkType::cookie_ack, 0, Bytes{});
    cookie_ack_due = false;
  }
  if (sack_due) write_sack_chunk(out);
  if (!heartbeat_reply.empty() && out.fits(heartbeat_reply.size())) {
    out.add(ChunkType::heartbeat_ack, 0, heartbeat_reply);
    heartbeat_reply.clear();
  }
  if (!errors.empty() && out.fits(errors.size())) {
    out.add(ChunkType::error, 0, errors);
    errors.clear();
  }
  if (heartbeat_due && out.fits(12)) {
    heartbeat_due = false;
    do heartbeat_nonce = random.u64();
    while (heartbeat_nonce == 0);
    heartbeat_sent = now;
    ByteWriter w{out.add(ChunkType::heartbeat, 0, 12)};
    w.u16(1);
    w.u16(12);
    w.u64(heartbeat_nonce);
  }
  if (reset_due || reset_response_due) write_re_config(now, out);
  if (forward_tsn_due) write_forward_tsn_chunk(now, out);
  if (shutdown_due && out.fits(4)) {
    store_be32(out.add(ChunkType::shutdown, 0, 4).data(),
               static_cast<std::uint32_t>(tracker.cumulative()));
    shutdown_due = false;
  }
  if (shutdown_ack_due && out.fits(0)) {
    out.add(ChunkType::shutdown_ack, 0, Bytes{});
    shutdown_ack_due = false;
  }
}

void Association::Impl::write_sack_chunk(PacketWriter& out) {
  if (out.room() < SackChunk::kFixedSize) return;
  if (sacks_due_together > kManySacks && !tracker.has_gaps()) sacks_apart = 0;
  std::int64_t tells = tracker.highest();
  if (sacks_apart > 0) {
    tells = earlier_sacks[0];
    earlier_sacks[0] = earlier_sacks[1];
  }
  tracker.report((out.room() - SackChunk::kFixedSize) / 4, tells, gaps, duplicates);
  window_told = window();
  write_sack(
      out.add(ChunkType::sack, 0, SackChunk::kFixedSize + 4 * (gaps.size() + duplicates.size())),
      static_cast<std::uint32_t>(std::min(tracker.cumulative(), tells)),
      static_cast<std::uint32_t>(std::min<std::size_t>(window_told, UINT32_MAX)), gaps, duplicates);
  if (sacks_apart > 0) {
    --sacks_apart;  // the next one goes in a packet of its own
    return;
  }
  sack_due = false;
  sack_tells = 0;
  sacks_due_together = 0;
  sack_at = kNever;
  packets_unacknowledged = 0;
}

// RFC 3758 section 3.5. When the list does not fit, a shorter step is told first.
void Association::Impl::write_forward_tsn_chunk(Timestamp now, PacketWriter& out) {
  std::int64_t point = flight.advanced_ack_point();
  if (point <= flight.cumulative() || !features.partial_reliability) {
    forward_tsn_due = false;
    return;
  }
  if (out.room() < 4) return;
  const std::size_t most = (out.room() - 4) / ForwardTsnChunk::entry_size(format);
  flight.list_skipped(point, format, skipped);
  while (skipped.size() > most) {
    point -= std::max<std::int64_t>(1, (point - flight.cumulative()) / 2);
    if (point <= flight.cumulative()) return;
    flight.list_skipped(point, format, skipped);
  }
  write_forward_tsn(out.add(ForwardTsnChunk::type_of(format), 0,
                            4 + ForwardTsnChunk::entry_size(format) * skipped.size()),
                    format, static_cast<std::uint32_t>(point), skipped);
  forward_tsn_sent = point;
  forward_tsn_due = false;
  if (t3 == kNever) t3 = now + rto.rto();
}

void Association::Impl::write_part(PacketWriter& out, std::int64_t tsn, bool immediate) {
  const SentPart& part = flight.at(tsn);
  const OutgoingMessage& m = pool[part.message];
  DataChunk chunk;
  chunk.format = format;
  chunk.immediate = immediate;
  chunk.unordered = m.unordered;
  chunk.begin = part.begin;
  chunk.end = part.end;
  chunk.tsn = static_cast<std::uint32_t>(tsn);
  chunk.stream = m.stream;
  // In DATA unordered messages have no number (RFC 9260 section 6.6).
  chunk.number = format == DataFormat::data && m.unordered ? 0 : m.number;
  chunk.ppid = m.ppid;
  chunk.fragment = part.fragment;
  chunk.payload = Bytes{m.data}.subspan(part.offset, part.size);
  chunk.write_to(out.add(format == DataFormat::data ? ChunkType::data : ChunkType::i_data,
                         chunk.flags(), chunk.value_size()));
  ++counters.chunks_sent;
}

// With a window of few packets every acknowledgement that the peer delays is felt (RFC 7053).
bool Association::Impl::must_acknowledge_at_once(std::size_t wire_size) const {
  const std::size_t window_now = congestion->window();
  return state != State::established ||
         (window_now < 4 * config.mtu && flight.in_flight() + wire_size >= window_now);
}

// What was lost twice holds up all that came after it, and the window with it, for a round trip
// more each time. It is sent in two packets from then on: rare enough to cost next to nothing.
void Association::Impl::write_repeats(PacketWriter& out) {
  for (; !repeats.empty(); repeats.pop_front()) {
    const std::int64_t tsn = repeats.front();
    if (tsn <= flight.cumulative()) continue;
    const SentPart& part = flight.at(tsn);
    if (part.state != SentPart::State::in_flight) continue;
    if (!out.fits(data_header_size(format) + part.size)) return;
    write_part(out, tsn, false);
    pacer.spend(part.wire_size);
    ++repeats_sent;
    ++counters.chunks_retransmitted;
  }
}

// Section 6.1 C: what is marked for retransmission goes first. False when some of it is left.
bool Association::Impl::write_retransmissions(Timestamp now, PacketWriter& out) {
  std::size_t sent = 0;
  while (const auto tsn = flight.next_lost(now)) {
    const std::size_t value = data_header_size(format) + flight.at(*tsn).size;
    if (!out.fits(value)) break;
    if (flight.in_flight() >= congestion->window() && !fast_retransmit) break;
    const bool first = *tsn == flight.cumulative() + 1;
    const bool at_once = must_acknowledge_at_once(flight.at(*tsn).wire_size);
    flight.note_retransmitted(now, *tsn);
    write_part(out, *tsn, at_once);
    ++counters.chunks_retransmitted;
    if (flight.worth_repeating(*tsn)) repeats.push_back(*tsn);
    sent += flight.at(*tsn).wire_size;
    if (t3 == kNever || first) t3 = now + rto.rto();  // section 6.3.2 R1, 7.2.4 rule 4
  }
  if (sent > 0) {
    fast_retransmit = false;
    pacer.spend(sent);
    last_data_sent = now;
    plan_probe(now);
  }
  // What was abandoned on the way is told at once.
  if (features.partial_reliability && flight.advanced_ack_point() > forward_tsn_sent) {
    forward_tsn_due = true;
  }
  return flight.lost_count() == 0;
}

void Association::Impl::write_new_data(Timestamp now, PacketWriter& out) {
  if (flight.empty() && !queue.empty()) {
    congestion->on_idle(now - last_data_sent, rto.rto());
  }
  const std::size_t header = data_header_size(format);
  std::size_t sent = 0;
  bool limited = false;  // by the peer's window
  for (MessageIndex next = queue.peek(); next != kNoMessage; next = queue.peek()) {
    OutgoingMessage& m = pool[next];
    if (m.expires <= now) {
      flight.abandon(now, next);
      if (features.partial_reliability && flight.advanced_ack_point() > forward_tsn_sent) {
        forward_tsn_due = true;
      }
      continue;
    }
    const std::size_t rest = m.data.size() - m.sent;
    const std::size_t room = out.room() > header ? out.room() - header : 0;
    if (room == 0 || (rest > room && room < kMinPart && !out.empty())) break;
    std::size_t size = std::min(rest, room);
    if (flight.in_flight() >= congestion->window()) break;
    if (size > peer_window_left) {
      if (peer_window_left >= kMinPart) {
        size = peer_window_left;
      } else if (!window_probe_due) {
        // Section 6.1 A: into a closed window one part, once per RTO, to learn when it opens.
        if (flight.empty() && window_probe_at == kNever) window_probe_at = now + rto.rto();
        limited = true;
        break;
      }
      window_probe_due = false;
    }
    const Part part = queue.take(size);
    const std::size_t wire = padded(kChunkHeaderSize + header + part.size);
    const bool at_once = must_acknowledge_at_once(wire);
    write_part(out, flight.add(now, part, wire), at_once);
    sent += wire;
    peer_window_left -= std::min(peer_window_left, part.size);
    if (t3 == kNever) t3 = now + rto.rto();
  }
  window_probe_due = false;
  if ((limited || queue.empty()) && flight.in_flight() < congestion->window()) {
    flight.note_application_limited();
  }
  if (sent > 0) {
    congestion->on_sent(now, sent, flight.in_flight());
    pacer.spend(sent);
    last_data_sent = now;
    plan_probe(now);
  }
}

// The last part in flight once more, so that its acknowledgement shows what was lost before it
// (RFC 8985 section 7.3).
void Association::Impl::write_probe(Timestamp now, PacketWriter& out) {
  probe_due = false;
  const auto tsn = flight.last_in_flight();
  if (!tsn) return;
  const SentPart& part = flight.at(*tsn);
  if (!flight.may_be_repeated(now, *tsn) || !out.fits(data_header_size(format) + part.size)) return;
  flight.note_retransmitted(now, *tsn);
  write_part(out, *tsn, true);
  pacer.spend(part.wire_size);
  ++counters.tail_probes;
  ++counters.chunks_retransmitted;
}

}  // namespace parley::sctp
