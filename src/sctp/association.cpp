#include "parley/sctp/association.hpp"

#include "sctp/association_impl.hpp"

namespace parley::sctp {
namespace {
constexpr std::size_t kMinMtu = 200;
constexpr std::size_t kMaxMtu = 65'532;

std::size_t sane_mtu(std::size_t mtu) {
  return std::clamp(mtu, kMinMtu, kMaxMtu) & ~std::size_t{3};
}

std::optional<InitChunk> read_init(Bytes bytes) {
  const auto chunk = ChunkReader{bytes}.next();
  if (!chunk || chunk->type != ChunkType::init) return std::nullopt;
  return InitChunk::parse(chunk->value);
}

Error ended_error() { return {Errc::closed, "association"}; }
}  // namespace

std::string_view to_string(CloseCause cause) {
  switch (cause) {
    case CloseCause::shutdown:
      return "shutdown";
    case CloseCause::aborted_locally:
      return "aborted locally";
    case CloseCause::aborted_by_peer:
      return "aborted by peer";
    case CloseCause::timed_out:
      return "timed out";
    case CloseCause::peer_restarted:
      return "peer restarted";
    case CloseCause::protocol_violation:
      return "protocol violation";
    case CloseCause::out_of_resources:
      return "out of resources";
  }
  return "";
}

std::string_view to_string(State state) {
  switch (state) {
    case State::closed:
      return "closed";
    case State::cookie_wait:
      return "cookie-wait";
    case State::cookie_echoed:
      return "cookie-echoed";
    case State::established:
      return "established";
    case State::shutdown_pending:
      return "shutdown-pending";
    case State::shutdown_sent:
      return "shutdown-sent";
    case State::shutdown_received:
      return "shutdown-received";
    case State::shutdown_ack_sent:
      return "shutdown-ack-sent";
  }
  return "";
}

Association::Impl::Impl(const Config& c, Random& r, Timestamp)
    : config(c), random(r), cookies(r), rto(c.rto_initial, c.rto_min, c.rto_max) {
  config.mtu = sane_mtu(config.mtu);
  do local_tag = random.u32();
  while (local_tag == 0);
  local_initial_tsn = random.u32();
  next_request_number = local_initial_tsn;  // RFC 6525 section 4.1
  flight.start(local_initial_tsn);
  forward_tsn_sent = flight.cumulative();
  begin_path();
}

void Association::Impl::begin_path() {
  congestion = config.congestion_control ? config.congestion_control(config.mtu) : nullptr;
  if (!congestion) congestion = make_model_controller(config.mtu);
  rto = RtoEstimator{config.rto_initial, config.rto_min, config.rto_max};
}

Association::Association(const Config& config, Random& random, Timestamp now)
    : impl_(std::make_unique<Impl>(config, random, now)) {}
Association::Association(Association&&) noexcept = default;
Association& Association::operator=(Association&&) noexcept = default;
Association::~Association() = default;

void Association::connect(Timestamp now) { impl_->start_handshake(now); }

std::vector<std::uint8_t> Association::local_init() const {
  const InitChunk init = impl_->our_init();
  std::vector<std::uint8_t> out(kChunkHeaderSize + init.value_size());
  out[0] = static_cast<std::uint8_t>(ChunkType::init);
  store_be16(&out[2], static_cast<std::uint16_t>(out.size()));
  init.write_to(MutableBytes{out}.subspan(kChunkHeaderSize));
  return out;
}

bool Association::is_usable_init(Bytes remote_init) { return read_init(remote_init).has_value(); }

Result<void> Association::connect_with(Timestamp now, Bytes remote_init) {
  if (impl_->ended) return ended_error();
  if (impl_->state != State::closed) {
    return Error{Errc::invalid_state, "connect_with: the handshake has begun"};
  }
  const auto init = read_init(remote_init);
  if (!init) return Error{Errc::malformed, "connect_with: no INIT chunk"};
  impl_->take_peer(*init);
  impl_->enter_established(now);
  return {};
}

Result<void> Association::send(Timestamp now, StreamId stream, std::uint32_t ppid, Bytes message,
                               const SendOptions& options) {
  if (auto ok = impl_->accept(stream, message.size(), options.control); !ok) return ok;
  const MessageIndex at = impl_->pool.take();
  impl_->pool.copy_to(at, message);
  impl_->enqueue(now, stream, ppid, at, options);
  return {};
}

Result<void> Association::send(Timestamp now, StreamId stream, std::uint32_t ppid,
                               std::vector<std::uint8_t>&& message, const SendOptions& options) {
  if (auto ok = impl_->accept(stream, message.size(), options.control); !ok) return ok;
  const MessageIndex at = impl_->pool.take();
  impl_->pool[at].data = std::move(message);
  message.clear();
  impl_->enqueue(now, stream, ppid, at, options);
  return {};
}

void Association::unorder_when_heard(StreamId stream) {
  impl_->queue.unorder_when_heard(stream.value());
}

void Association::set_weight(StreamId stream, std::uint16_t weight) {
  impl_->queue.stream(stream.value()).weight = std::max<std::uint16_t>(weight, 1);
}

std::size_t Association::buffered_amount(StreamId stream) const {
  const OutgoingStream* const s = std::as_const(impl_->queue).find(stream.value());
  return s == nullptr ? 0 : s->buffered;
}

void Association::set_buffered_amount_low_threshold(StreamId stream, std::size_t bytes) {
  impl_->queue.stream(stream.value()).low_threshold = bytes;
}

Result<void> Association::reset_streams(Timestamp, const std::vector<StreamId>& streams) {
  if (impl_->ended) return ended_error();
  if (impl_->peer_known && !impl_->features.stream_reset) {
    return Error{Errc::unsupported, "reset_streams: the peer has no RE-CONFIG"};
  }
  for (const StreamId id : streams) {
    OutgoingStream& s = impl_->queue.stream(id.value());
    if (s.resetting) continue;
    s.resetting = true;
    impl_->resets_waiting.push_back(id);
  }
  impl_->start_next_reset();
  return {};
}

void Association::shutdown(Timestamp now) {
  Impl& i = *impl_;
  switch (i.state) {
    case State::established:
      i.state = State::shutdown_pending;
      i.advance_shutdown(now);
      break;
    case State::closed:
    case State::cookie_wait:
    case State::cookie_echoed:
      // Nothing was promised to be delivered by a peer that never answered.
      if (!i.ended) i.finish(CloseCause::shutdown, 0, {});
      break;
    default:
      break;
  }
}

void Association::abort(Timestamp, std::string_view reason) {
  constexpr std::uint16_t kUserInitiated = 12;
  if (!impl_->ended) impl_->abort_with(kUserInitiated, reason, CloseCause::aborted_locally);
}

void Association::handle_packet(Timestamp now, Bytes packet) { impl_->handle_packet(now, packet); }
void Association::handle_timeout(Timestamp now) { impl_->handle_timeout(now); }
std::optional<Bytes> Association::poll_transmit(Timestamp now, MutableBytes storage) {
  return impl_->poll_transmit(now, storage);
}

std::optional<Event> Association::poll_event() {
  Impl& i = *impl_;
  if (i.events.empty()) return std::nullopt;
  Event event = i.events.pop_front();
  if (const auto* const m = std::get_if<Message>(&event)) release(m->data.size());
  i.events.shrink(256);
  return event;
}

void Association::hold_back(std::size_t bytes) {
  impl_->event_bytes += bytes + Reassembly::kOverhead;
}

void Association::release(std::size_t bytes) {
  Impl& i = *impl_;
  i.event_bytes -= bytes + Reassembly::kOverhead;
  // RFC 9260 section 6.2: a window that was nearly shut and has opened is told at once.
  if (!i.ended && i.peer_known && i.window_told < i.config.receive_window / 4 &&
      i.window() >= i.config.receive_window / 2) {
    i.sack_due = true;
  }
}

Timestamp Association::next_timeout() const { return impl_->next_timeout(); }

void Association::recycle(std::vector<std::uint8_t>&& data) {
  if (impl_->reassembly) impl_->reassembly->spares().give(std::move(data));
}

void Association::set_round_trip_time(Duration round_trip) { impl_->rto.seed(round_trip); }

void Association::handle_path_change(Timestamp now, std::optional<Duration> round_trip) {
  Impl& i = *impl_;
  if (i.ended || i.state == State::closed) return;
  i.path_since = now;
  i.begin_path();
  if (round_trip) i.rto.measure(*round_trip);
  i.silences = 0;
  // What the old path lost is no reason to slow down on this one.
  if (!i.flight.empty()) i.recovery_end = i.flight.next_tsn() - 1;
  for (Timestamp* const timer : {&i.t1, &i.t2, &i.t3}) {
    if (*timer != kNever) *timer = std::min(*timer, now + i.rto.rto());
  }
}

void Association::set_ports(std::uint16_t local, std::uint16_t remote) {
  impl_->config.local_port = local;
  impl_->config.remote_port = remote;
}

void Association::set_mtu(std::size_t mtu) {
  impl_->config.mtu = sane_mtu(mtu);
  impl_->congestion->set_mtu(impl_->config.mtu);
}

std::size_t Association::max_receive_message() const { return impl_->config.max_receive_message; }
State Association::state() const { return impl_->state; }

Stats Association::stats() const {
  const Impl& i = *impl_;
  Stats out = i.counters;
  out.state = i.state;
  out.messages_abandoned = i.flight.abandoned_messages();
  out.congestion_window = i.congestion->window();
  out.slow_start_threshold = i.congestion->slow_start_threshold();
  out.pacing_rate = i.congestion->pacing_rate();
  out.in_flight = i.flight.in_flight();
  out.chunks_in_flight = i.flight.size();
  out.peer_window = i.peer_window;
  out.local_window = i.window();
  out.buffered = i.buffered;
  out.smoothed_round_trip = i.rto.smoothed();
  out.retransmission_timeout = i.rto.rto();
  out.mtu = i.config.mtu;
  return out;
}

}  // namespace parley::sctp
