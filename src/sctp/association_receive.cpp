// What comes in: packets, chunks, data (RFC 9260 sections 6.2, 8.4, 8.5 and 3.2).
#include <algorithm>
#include <utility>

#include "sctp/association_impl.hpp"

namespace parley::sctp {
namespace {
constexpr std::uint16_t kInvalidStream = 1;
constexpr std::uint16_t kOutOfResource = 4;
constexpr std::uint16_t kUnrecognizedChunk = 6;
constexpr std::uint16_t kNoUserData = 9;
constexpr std::uint16_t kProtocolViolation = 13;
constexpr std::size_t kMaxErrors = 256;  // bytes of causes in one ERROR chunk
constexpr std::size_t kMaxQuote = 64;    // bytes of a strange chunk that are sent back
// A peer that waits for us to finish messages may always send so much more.
constexpr std::size_t kWindowFloor = 64 * 1024;
}  // namespace

void Association::Impl::handle_packet(Timestamp now, Bytes bytes) {
  const auto packet = Packet::parse(bytes);
  if (!packet || packet->source_port != config.remote_port ||
      packet->destination_port != config.local_port) {
    ++counters.drops.malformed;
    return;
  }
  // RFC 9653 section 5.2: a zero checksum is right when we offered to take it.
  if (packet->checksum == ChecksumState::wrong ||
      (packet->checksum == ChecksumState::zero && !config.zero_checksum)) {
    ++counters.drops.bad_checksum;
    return;
  }
  ChunkReader chunks{packet->chunks};
  auto chunk = chunks.next();
  if (!chunk) {
    ++counters.drops.malformed;
    return;
  }
  ++counters.packets_received;
  counters.bytes_received += bytes.size();
  if (chunk->type == ChunkType::init) {
    if (chunks.next()) {  // section 3.3.2: an INIT is alone
      ++counters.drops.malformed;
      return;
    }
    handle_init(now, *packet, *chunk);
    return;
  }
  if (!tag_is_right(*packet, *chunk)) {
    ++counters.drops.wrong_tag;
    return;
  }
  if (ended) {
    handle_out_of_the_blue(*packet, *chunk);
    return;
  }
  data_in_packet = skip_in_packet = false;
  for (; chunk; chunk = chunks.next()) {
    if (chunk->type == ChunkType::shutdown_ack) {
      handle_shutdown_ack(now, packet->verification_tag);
    } else if (!handle_chunk(now, *chunk)) {
      break;
    }
    if (ended) return;
  }
  if (chunks.malformed()) ++counters.drops.malformed;
  deliver();
  if (data_in_packet) plan_sack(now);
}

// Section 8.5.1.
bool Association::Impl::tag_is_right(const Packet& packet, const Chunk& first) const {
  if (first.type == ChunkType::abort || first.type == ChunkType::shutdown_complete) {
    if ((first.flags & kTagReflected) != 0) {
      return peer_known && packet.verification_tag == peer_tag;
    }
  }
  return packet.verification_tag == local_tag;
}

// Section 8.4: after the end the peer may not know of it yet.
void Association::Impl::handle_out_of_the_blue(const Packet& packet, const Chunk& first) {
  switch (first.type) {
    case ChunkType::abort:
    case ChunkType::shutdown_complete:
    case ChunkType::error:
    case ChunkType::cookie_ack:
      return;
    case ChunkType::shutdown_ack:
      reply(ChunkType::shutdown_complete, kTagReflected, packet.verification_tag, {});
      return;
    default:
      if (peer_known) reply(ChunkType::abort, 0, peer_tag, {});
  }
}

bool Association::Impl::handle_chunk(Timestamp now, const Chunk& chunk) {
  ++counters.chunks_received;
  switch (chunk.type) {
    case ChunkType::init_ack:
      handle_init_ack(now, chunk);
      return true;
    case ChunkType::cookie_echo:
      handle_cookie_echo(now, chunk);
      return true;
    case ChunkType::cookie_ack:
      handle_cookie_ack(now);
      return true;
    case ChunkType::abort:
      handle_abort(chunk);
      return true;
    case ChunkType::shutdown_complete:
      handle_shutdown_complete();
      return true;
    case ChunkType::error:
      handle_error(chunk);
      return true;
    default:
      break;
  }
  // The rest belongs to an association that exists. In COOKIE-ECHOED the peer's answer was lost or
  // overtaken: what it says will be said again.
  if (state == State::closed || state == State::cookie_wait || state == State::cookie_echoed) {
    ++counters.drops.wrong_tag;
    return true;
  }
  switch (chunk.type) {
    case ChunkType::data:
    case ChunkType::i_data:
      handle_data(now, chunk);
      return true;
    case ChunkType::sack:
      handle_sack(now, chunk);
      return true;
    case ChunkType::heartbeat:
      // Section 8.3: the information goes back as it came; only the latest is remembered.
      if (chunk.value.size() + kChunkHeaderSize + kCommonHeaderSize <= config.mtu) {
        heartbeat_reply.assign(chunk.value.begin(), chunk.value.end());
      }
      return true;
    case ChunkType::heartbeat_ack:
      handle_heartbeat_ack(now, chunk);
      return true;
    case ChunkType::shutdown:
      handle_shutdown(now, chunk);
      return true;
    case ChunkType::forward_tsn:
    case ChunkType::i_forward_tsn:
      handle_forward_tsn(now, chunk);
      return true;
    case ChunkType::re_config:
      handle_re_config(now, chunk);
      return true;
    default: {
      const UnknownTypeRule rule = unknown_chunk_rule(static_cast<std::uint8_t>(chunk.type));
      if (rule.report) {
        report_error(kUnrecognizedChunk,
                     chunk.whole.first(std::min(chunk.whole.size(), kMaxQuote)));
      }
      return rule.skip;
    }
  }
}

void Association::Impl::report_error(std::uint16_t cause, Bytes value) {
  const std::size_t size = 4 + padded(value.size());
  if (errors.size() + size > kMaxErrors) return;
  std::array<std::uint8_t, 4> head{};
  store_be16(head.data(), cause);
  store_be16(head.data() + 2, static_cast<std::uint16_t>(4 + value.size()));
  errors.insert(errors.end(), head.begin(), head.end());
  errors.insert(errors.end(), value.begin(), value.end());
  errors.resize((errors.size() + 3) & ~std::size_t{3});
}

void Association::Impl::handle_data(Timestamp now, const Chunk& chunk) {
  const auto data = DataChunk::parse(chunk);
  if (!data) {
    ++counters.drops.malformed;
    return;
  }
  if (data->format != format) {  // RFC 8260 section 2.2.2
    abort_with(kProtocolViolation, "DATA and I-DATA mixed", CloseCause::protocol_violation);
    return;
  }
  if (data->payload.empty()) {  // section 6.2
    std::array<std::uint8_t, 4> tsn{};
    store_be32(tsn.data(), data->tsn);
    abort_with(kNoUserData, as_text(tsn), CloseCause::protocol_violation);
    return;
  }
  data_in_packet = true;
  if (data->immediate) sack_due = true;
  const std::int64_t tsn = tracker.unwrap(data->tsn);
  ReceiveTracker::Verdict verdict = tracker.judge(tsn);
  if (verdict == ReceiveTracker::Verdict::fresh &&
      held() + data->payload.size() + Reassembly::kOverhead > receive_limit()) {
    // Full. What fills the first gap may set messages free; when there is no gap and nothing waits
    // for the application, only unfinished messages are here and nothing will ever free them.
    if (!tracker.has_gaps() && event_bytes == 0) {
      abort_with(kOutOfResource, "too many unfinished messages", CloseCause::out_of_resources);
      return;
    }
    if (tsn != tracker.cumulative() + 1 || event_bytes > config.receive_window) {
      verdict = ReceiveTracker::Verdict::out_of_window;
    }
  }
  if (verdict == ReceiveTracker::Verdict::out_of_window) {
    ++counters.drops.out_of_window;
    sack_due = true;
    return;
  }
  verdict = tracker.note(tsn);
  if (verdict == ReceiveTracker::Verdict::duplicate) {
    ++counters.duplicates_received;
    sack_due = true;  // section 6.2: the peer may have lost our last one
    return;
  }
  switch (reassembly->take(*data, tsn, messages)) {
    case Reassembly::Outcome::taken:
      break;
    case Reassembly::Outcome::old:
      ++counters.drops.old_messages;
      break;
    case Reassembly::Outcome::no_stream: {
      ++counters.drops.bad_stream;
      std::array<std::uint8_t, 4> value{};
      store_be16(value.data(), data->stream);
      report_error(kInvalidStream, value);
      break;
    }
    case Reassembly::Outcome::too_long:
      abort_with(kProtocolViolation, "message too long", CloseCause::protocol_violation);
      return;
  }
  finish_deferred_reset();
  (void)now;
}

void Association::Impl::deliver() {
  while (!messages.empty()) {
    Message m = messages.pop_front();
    queue.note_heard(m.stream.value());
    ++counters.messages_received;
    event_bytes += m.data.size() + Reassembly::kOverhead;
    events.push_back(std::move(m));
  }
}

// RFC 3758 section 3.6.
void Association::Impl::handle_forward_tsn(Timestamp, const Chunk& chunk) {
  const auto forward = ForwardTsnChunk::parse(chunk);
  if (!forward || chunk.type != ForwardTsnChunk::type_of(format)) {
    ++counters.drops.malformed;
    return;
  }
  data_in_packet = skip_in_packet = true;
  sack_due = true;
  const std::int64_t tsn = tracker.unwrap(forward->cumulative_tsn);
  // Nobody can have abandoned more than what fits the window in which TSNs are told apart.
  if (tsn > tracker.cumulative() + ReceiveTracker::kMaxAhead) {
    ++counters.drops.out_of_window;
    return;
  }
  if (!tracker.skip_to(tsn)) return;  // old: the answer is a SACK
  reassembly->skip(*forward, tsn, messages);
  finish_deferred_reset();
}

void Association::Impl::handle_error(const Chunk& chunk) {
  constexpr std::uint16_t kStaleCookie = 3;
  const auto cause = ParameterReader{chunk.value}.next();
  if (!cause) {
    ++counters.drops.malformed;
    return;
  }
  // Section 5.2.6: begin again with a new cookie.
  if (cause->type == kStaleCookie && state == State::cookie_echoed) {
    state = State::cookie_wait;
    cookie_echo_due = false;
    cookie = {};
    init_due = true;
  }
}

void Association::Impl::handle_heartbeat_ack(Timestamp now, const Chunk& chunk) {
  ParameterReader parameters{chunk.value};
  const auto info = parameters.next();
  // The nonce ties the answer to the request; its time is remembered here, not taken from the peer.
  if (!info || info->type != 1 || info->value.size() != 8 || heartbeat_nonce == 0 ||
      load_be64(info->value.data()) != heartbeat_nonce) {
    return;
  }
  heartbeat_nonce = 0;
  silences = 0;
  rto.measure(now - heartbeat_sent);
  plan_heartbeat(now);
}

// Section 6.2: every second packet at once, else within the delay; at once while there are gaps.
void Association::Impl::plan_sack(Timestamp now) {
  ++packets_unacknowledged;
  if (packets_unacknowledged >= 2 || tracker.has_gaps() || tracker.has_duplicates()) {
    sack_due = true;
    packets_unacknowledged = 0;
    keep_sacks_apart();
  }
  if (state == State::shutdown_sent) {  // section 9.2
    sack_due = true;
    shutdown_due = true;
    t2 = now + rto.rto();
  }
  if (!sack_due && sack_at == kNever) sack_at = now + config.delayed_ack;
  // A SACK that shows a gap, or answers FORWARD TSN, is repeated into a silence. aiortc 1.4 says
  // FORWARD TSN once and then waits for the next SACK: when either was lost, it would send nothing
  // more before its application does. Others take the repetition for an old SACK.
  sack_repeats = skip_in_packet || tracker.has_gaps() ? kSackRepeats : 0;
  sack_repeat_at = sack_repeats > 0 ? now + kSackRepeat : kNever;
}

// Packets that came with one system call are answered together. Were that with one SACK, a sender
// that waits until three passed a gap (section 7.2.4) would wait for its timer instead, and so
// would one whose only SACK is lost: small flights on a path that loses packets would stand still
// for half a second again and again. The last three that became due are written, each with what had
// come by then; of many packets without a gap only the last, since more of them are to come.
void Association::Impl::keep_sacks_apart() {
  ++sacks_due_together;
  if (sack_tells == 0) {
    sack_tells = tracker.highest();
  } else if (tracker.highest() > sack_tells) {
    if (sacks_apart == earlier_sacks.size()) {
      earlier_sacks[0] = earlier_sacks[1];
      --sacks_apart;
    }
    earlier_sacks[sacks_apart++] = std::exchange(sack_tells, tracker.highest());
  }
}

std::size_t Association::Impl::receive_limit() const {
  const std::size_t usual = 2 * config.receive_window + 4 * config.max_receive_message;
  return config.max_reassembly == 0 ? usual : config.max_reassembly;
}

std::size_t Association::Impl::window() const {
  const std::size_t now_held = held();
  const std::size_t left = config.receive_window > now_held ? config.receive_window - now_held : 0;
  // When only unfinished messages fill the window, closing it would stop them for ever.
  const std::size_t floor = std::min(kWindowFloor, config.receive_window / 2);
  if (left < floor && event_bytes == 0 && !tracker.has_gaps()) {
    const std::size_t limit = receive_limit();
    return std::max(left, std::min(floor, limit > now_held ? limit - now_held : 0));
  }
  return left;
}

}  // namespace parley::sctp
