// Establishment (RFC 9260 section 5). Both sides of a data channel transport call at once, so the
// collision of two INITs is the ordinary case.
#include "sctp/association_impl.hpp"

namespace parley::sctp {
namespace {
constexpr std::uint16_t kStreams = 65'535;  // RFC 8831 section 6.2
constexpr std::uint16_t kStaleCookie = 3;
constexpr std::uint16_t kRestart = 11;
constexpr std::uint16_t kProtocolViolation = 13;
}  // namespace

InitChunk Association::Impl::our_init() const {
  InitChunk init;
  init.initiate_tag = local_tag;
  init.window =
      static_cast<std::uint32_t>(std::min<std::size_t>(config.receive_window, UINT32_MAX));
  init.outbound_streams = kStreams;
  init.inbound_streams = kStreams;
  init.initial_tsn = local_initial_tsn;
  init.forward_tsn = true;
  init.re_config = true;
  init.interleaving = config.interleaving;
  init.zero_checksum = config.zero_checksum;
  return init;
}

void Association::Impl::start_handshake(Timestamp now) {
  if (state != State::closed || ended) return;
  state = State::cookie_wait;
  init_due = true;
  t1 = now + rto.rto();
}

// Sections 5.1 B, 5.2.1 and 5.2.2: answered in every state, remembering nothing.
void Association::Impl::handle_init(Timestamp now, const Packet& packet, const Chunk& chunk) {
  if (packet.checksum != ChecksumState::right) {  // RFC 9653 section 5.2: an INIT always has one
    ++counters.drops.bad_checksum;
    return;
  }
  const auto init = InitChunk::parse(chunk.value);
  if (packet.verification_tag != 0 || !init) {
    ++counters.drops.malformed;
    return;
  }
  if (state == State::shutdown_ack_sent) {  // section 9.2: our SHUTDOWN ACK was lost
    shutdown_ack_due = true;
    return;
  }
  const bool in_handshake =
      state == State::closed || state == State::cookie_wait || state == State::cookie_echoed;
  if (ended || (!in_handshake && init->initiate_tag != peer_tag)) {
    // A new association of the peer. Within the same DTLS connection nothing of the old one is
    // worth keeping: data channels do not survive a restart (RFC 8831 section 6.2 has none).
    std::array<std::uint8_t, 4> cause{};
    store_be16(cause.data(), kRestart);
    store_be16(cause.data() + 2, 4);
    reply(ChunkType::abort, 0, init->initiate_tag, cause);
    if (!ended) finish(CloseCause::peer_restarted, 0, {});
    return;
  }
  StateCookie made;
  made.made = now;
  made.local_tag = local_tag;
  made.local_initial_tsn = local_initial_tsn;
  made.peer = *init;
  const CookieJar::Cookie sealed = cookies.seal(made);
  InitChunk answer = our_init();
  // Pion's SCTP (to 1.8.6 at least) throws away an INIT or INIT ACK with a parameter that it does
  // not know, against section 3.2.1. Our first INIT never reaches it then; but it sends one of its
  // own, and the answer to that one names nothing that it did not.
  answer.zero_checksum = config.zero_checksum && init->zero_checksum;
  answer.cookie = sealed;
  answer.unknown = init->unknown;
  answer.unknown_count = init->unknown_count;
  while (answer.unknown_count > 0 &&
         kCommonHeaderSize + kChunkHeaderSize + padded(answer.value_size()) > config.mtu) {
    --answer.unknown_count;
  }
  std::vector<std::uint8_t> value(answer.value_size());
  answer.write_to(value);
  reply(ChunkType::init_ack, 0, init->initiate_tag, value);
}

void Association::Impl::handle_init_ack(Timestamp now, const Chunk& chunk) {
  if (state != State::cookie_wait) return;  // section 5.2.3
  const auto ack = InitChunk::parse(chunk.value);
  if (!ack || ack->cookie.empty()) {
    ++counters.drops.malformed;
    return;
  }
  // A cookie that fits in no packet cannot be echoed.
  if (padded(ack->cookie.size()) + kChunkHeaderSize + kCommonHeaderSize > config.mtu) {
    abort_with(kProtocolViolation, "cookie too long", CloseCause::protocol_violation);
    return;
  }
  cookie.assign(ack->cookie.begin(), ack->cookie.end());
  take_peer(*ack);
  state = State::cookie_echoed;
  init_due = false;
  cookie_echo_due = true;
  silences = 0;
  t1 = now + rto.rto();
}

void Association::Impl::handle_cookie_echo(Timestamp now, const Chunk& chunk) {
  const auto opened = cookies.open(chunk.value);
  if (!opened || opened->local_tag != local_tag) {
    ++counters.drops.bad_cookie;
    return;
  }
  const bool in_handshake =
      state == State::closed || state == State::cookie_wait || state == State::cookie_echoed;
  if (in_handshake && now - opened->made > config.cookie_lifetime) {
    // Section 5.2.6: the measure of staleness in microseconds.
    ++counters.drops.bad_cookie;
    const auto over = (now - opened->made - config.cookie_lifetime).count();
    std::array<std::uint8_t, 8> cause{};
    store_be16(cause.data(), kStaleCookie);
    store_be16(cause.data() + 2, 8);
    store_be32(cause.data() + 4,
               static_cast<std::uint32_t>(std::min<std::int64_t>(over, UINT32_MAX)));
    reply(ChunkType::error, 0, opened->peer.initiate_tag, cause);
    return;
  }
  if (in_handshake) {
    // Section 5.2.4 table 12, actions B and D. In COOKIE-ECHOED the INIT ACK told the peer's
    // numbers already; the cookie tells the same ones unless the peer is another than then.
    if (!peer_known || opened->peer.initiate_tag != peer_tag) {
      if (peer_known && !flight.empty()) {
        abort_with(kProtocolViolation, "two peers", CloseCause::protocol_violation);
        return;
      }
      take_peer(opened->peer);
    }
    enter_established(now);
    cookie_ack_due = true;
    cookie_ack_in_doubt = true;
    return;
  }
  // A duplicate of the cookie that opened this association: its COOKIE ACK was lost. A replayed one
  // has the same effect, which is none.
  if (opened->peer.initiate_tag == peer_tag && state != State::closed) {
    cookie_ack_due = true;
  } else {
    ++counters.drops.bad_cookie;
  }
}

void Association::Impl::handle_cookie_ack(Timestamp now) {
  if (state == State::cookie_echoed) enter_established(now);
}

void Association::Impl::take_peer(const InitChunk& peer) {
  peer_tag = peer.initiate_tag;
  peer_known = true;
  peer_window = peer.window;
  peer_window_left = peer.window;
  peer_streams = peer.inbound_streams;
  tracker.start(peer.initial_tsn);
  expected_request_number = peer.initial_tsn;
  features.interleaving = config.interleaving && peer.interleaving;
  features.zero_checksum = config.zero_checksum && peer.zero_checksum;
  features.partial_reliability = peer.forward_tsn;
  features.stream_reset = peer.re_config;
  format = features.interleaving ? DataFormat::i_data : DataFormat::data;
  queue.set_interleaving(features.interleaving);
  const std::size_t longest =
      config.max_receive_message == 0 ? SIZE_MAX / 4 : config.max_receive_message;
  reassembly.emplace(format, Reassembly::Limits{longest, config.max_inbound_streams});
}

void Association::Impl::enter_established(Timestamp now) {
  state = State::established;
  t1 = kNever;
  init_due = cookie_echo_due = false;
  cookie = {};
  silences = 0;
  // Data that went with COOKIE ECHO is from now on watched by its own timer; what was abandoned of
  // it meanwhile could not be told before.
  if (!flight.empty()) t3 = now + rto.rto();
  forward_tsn_due = flight.advanced_ack_point() > flight.cumulative();
  plan_heartbeat(now);
  events.push_back(features);
  start_next_reset();
}

}  // namespace parley::sctp
