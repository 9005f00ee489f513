#include "peer/data_plane.hpp"

#include <utility>

namespace parley::peer {
namespace {

sctp::Config association_config(const DataConfig& config, LogSink* log) {
  sctp::Config out;
  out.max_receive_message = config.max_message_size;
  out.receive_window = config.receive_window;
  out.send_buffer = config.send_buffer;
  out.log = log;
  return out;
}

}  // namespace

DataPlane::Live::Live(const DataConfig& config, LogSink* log, Random& random, Timestamp now,
                      std::uint32_t first_handle)
    : association(association_config(config, log), random, now),
      channels(association, {.max_channels = config.max_channels, .first_handle = first_handle}) {}

DataPlane::DataPlane(const DataConfig& config, LogSink* log, Random& random)
    : config_(config), log_(log), random_(random) {}
DataPlane::~DataPlane() = default;

DataPlane::Live& DataPlane::live() {
  if (!live_) {
    live_ = std::make_unique<Live>(config_, log_, random_, now_, next_handle_);
  }
  return *live_;
}

// --- What the session learns ---

std::vector<std::uint8_t> DataPlane::local_init() { return live().association.local_init(); }

void DataPlane::negotiate(Timestamp now, const jsep::DataParameters& parameters) {
  now_ = now;
  negotiated_ = parameters;
  max_message_size_ = parameters.max_message_size == sdp::kUnlimitedMessageSize
                          ? 0
                          : static_cast<std::size_t>(parameters.max_message_size);
  live().channels.set_max_send_message(max_message_size_);
  begin_if_ready(now);
}

void DataPlane::start(Timestamp now, const DataTransport& transport) {
  now_ = now;
  transport_ = transport;
  begin_if_ready(now);
}

void DataPlane::handle_path_change(Timestamp now, std::optional<Duration> round_trip) {
  now_ = now;
  if (live_) live_->association.handle_path_change(now, round_trip);
}

void DataPlane::begin_if_ready(Timestamp now) {
  if (!negotiated_ || !transport_) return;
  auto& [association, channels, begun] = live();
  if (association.state() != sctp::State::closed) return;
  begun = true;
  association.set_ports(negotiated_->local_port, negotiated_->remote_port);
  association.set_mtu(transport_->max_packet_size);
  if (transport_->round_trip_time) association.set_round_trip_time(*transport_->round_trip_time);
  channels.set_role(now, transport_->role);
  channels.start(now);
  const auto& remote_init = negotiated_->remote_init;
  if (!remote_init.empty() && association.connect_with(now, remote_init)) return;
  association.connect(now);
}

void DataPlane::reject(Timestamp now) {
  negotiated_.reset();
  lose(now, "the data section was rejected");
  if (!live_) return;
  next_handle_ = live_->channels.next_handle().value();
  retired_ = std::move(live_);
}

void DataPlane::lose(Timestamp now, std::string_view reason) {
  now_ = now;
  if (!live_) return;
  if (end_reason_.empty()) end_reason_ = reason;
  live_->association.abort(now, reason);
}

void DataPlane::abort(Timestamp now) {
  now_ = now;
  if (live_) live_->association.abort(now, "the connection was closed");
}

// --- Channels ---

Result<sctp::ChannelHandle> DataPlane::open(Timestamp now, const sctp::ChannelOptions& options) {
  now_ = now;
  return live().channels.open(now, options);
}

Result<void> DataPlane::send(Timestamp now, sctp::ChannelHandle channel, sctp::MessageKind kind,
                             Bytes message) {
  now_ = now;
  if (!live_) return Error{Errc::closed, "no such channel"};
  return live_->channels.send(now, channel, kind, message);
}

Result<void> DataPlane::send(Timestamp now, sctp::ChannelHandle channel, sctp::MessageKind kind,
                             std::vector<std::uint8_t>&& message) {
  now_ = now;
  if (!live_) return Error{Errc::closed, "no such channel"};
  return live_->channels.send(now, channel, kind, std::move(message));
}

void DataPlane::close(Timestamp now, sctp::ChannelHandle channel) {
  now_ = now;
  if (live_) live_->channels.close(now, channel);
}

void DataPlane::set_buffered_amount_low_threshold(sctp::ChannelHandle channel, std::size_t bytes) {
  if (live_) live_->channels.set_buffered_amount_low_threshold(channel, bytes);
}

void DataPlane::pause(Timestamp now, sctp::ChannelHandle channel) {
  now_ = now;
  if (live_) live_->channels.pause(channel);
}

void DataPlane::resume(Timestamp now, sctp::ChannelHandle channel) {
  now_ = now;
  if (live_) live_->channels.resume(channel);
}

std::optional<sctp::ChannelInfo> DataPlane::info(sctp::ChannelHandle channel) const {
  auto found = live_ ? live_->channels.info(channel) : std::nullopt;
  if (!found && retired_) found = retired_->channels.info(channel);
  return found;
}

std::vector<sctp::ChannelHandle> DataPlane::handles() const {
  return live_ ? live_->channels.handles() : std::vector<sctp::ChannelHandle>{};
}

std::optional<std::size_t> DataPlane::max_message_size() const {
  if (!negotiated_) return std::nullopt;
  return max_message_size_;
}

void DataPlane::recycle(std::vector<std::uint8_t>&& data) {
  if (live_) live_->channels.recycle(std::move(data));
}

// --- The contract ---

void DataPlane::handle_packet(Timestamp now, Bytes packet) {
  now_ = now;
  // Without channels and a section of our own the peer has nothing to talk to. On a live call its
  // INIT overtakes its answer, which has the ports and the limits: ours follows the answer.
  if (live_ && live_->begun) live_->association.handle_packet(now, packet);
}

void DataPlane::handle_timeout(Timestamp now) {
  now_ = now;
  if (live_ && live_->association.next_timeout() <= now) live_->association.handle_timeout(now);
}

Timestamp DataPlane::next_timeout() const {
  return live_ ? live_->association.next_timeout() : kNever;
}

std::optional<Bytes> DataPlane::poll_packet(Timestamp now, MutableBytes storage) {
  if (!live_ || !transport_) return std::nullopt;
  return live_->association.poll_transmit(now, storage);
}

std::optional<SessionEvent> DataPlane::poll_event() {
  if (retired_) {
    if (auto event = poll_event(*retired_)) return event;
    retired_.reset();
    end_reason_.clear();
  }
  return live_ ? poll_event(*live_) : std::nullopt;
}

std::optional<SessionEvent> DataPlane::poll_event(Live& live) {
  while (auto event = live.channels.poll_event(now_)) {
    if (auto translated = translate(std::move(*event))) return translated;
  }
  return std::nullopt;
}

std::optional<SessionEvent> DataPlane::translate(sctp::ChannelEvent&& event) {
  if (auto* message = std::get_if<sctp::ChannelMessage>(&event)) {
    return event::DataReceived{message->channel, message->kind, std::move(message->data)};
  }
  if (const auto* announced = std::get_if<sctp::ChannelAnnounced>(&event)) {
    note_open(announced->channel);
    return event::DataChannelAnnounced{announced->channel};
  }
  if (const auto* open = std::get_if<sctp::ChannelOpened>(&event)) {
    note_open(open->channel);
    return event::DataChannelOpened{open->channel};
  }
  if (const auto* low = std::get_if<sctp::ChannelBufferedAmountLow>(&event)) {
    return event::DataBufferedAmountLow{low->channel};
  }
  if (const auto* closing = std::get_if<sctp::ChannelClosing>(&event)) {
    note_left(closing->channel);
    return event::DataChannelClosing{closing->channel};
  }
  if (const auto* writable = std::get_if<sctp::ChannelSendAvailable>(&event)) {
    return event::DataWritable{writable->channel};
  }
  if (auto* closed = std::get_if<sctp::ChannelClosed>(&event)) {
    note_left(closed->channel);
    // What ended the transport says more than that the association was aborted for it.
    if (closed->failed && !end_reason_.empty()) closed->reason = end_reason_;
    return event::DataChannelClosed{closed->channel, std::move(closed->reason)};
  }
  return std::nullopt;
}

}  // namespace parley::peer
