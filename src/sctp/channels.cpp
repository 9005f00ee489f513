#include "parley/sctp/channels.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "sctp/dcep.hpp"
#include "sctp/ring.hpp"

namespace parley::sctp {
namespace {

constexpr std::size_t kMaxText = 65'535;
constexpr std::uint16_t kMaxId = 65'534;
constexpr std::uint8_t kAck[] = {static_cast<std::uint8_t>(DcepType::ack)};

struct Channel {
  ChannelOptions options;
  std::optional<StreamId> id;
  ChannelState state = ChannelState::connecting;
  bool acknowledged = false;    // the peer knows the channel: order is no longer needed
  bool reset_asked = false;     // of what we send
  bool outgoing_reset = false;  // done
  bool incoming_reset = false;  // done
  bool failed = false;
  std::size_t low_threshold = 0;
  std::vector<std::uint8_t> partial;  // of the deprecated partial PPIDs
  std::uint64_t messages_sent = 0, messages_received = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
};

}  // namespace

std::string_view to_string(ChannelState state) {
  switch (state) {
    case ChannelState::connecting:
      return "connecting";
    case ChannelState::open:
      return "open";
    case ChannelState::closing:
      return "closing";
    case ChannelState::closed:
      return "closed";
  }
  return "";
}

struct Channels::Impl {
  Impl(Association& a, const ChannelsConfig& c) : association(a), config(c) {}

  Channel* find(ChannelHandle handle) {
    const auto at = channels.find(handle.value());
    return at == channels.end() ? nullptr : &at->second;
  }
  ChannelHandle add(Channel channel);
  bool give_id(ChannelHandle handle, Channel& channel);
  void start(Timestamp now, ChannelHandle handle, Channel& channel);
  void try_start_all(Timestamp now);
  void begin_close(Timestamp now, ChannelHandle handle, Channel& channel);
  void finish_if_reset(ChannelHandle handle, Channel& channel);
  void remove(ChannelHandle handle, bool failed);
  bool send_raw(Timestamp now, Channel& channel, Ppid ppid, Bytes message);

  void handle(Timestamp now, Event& event);
  void handle_message(Timestamp now, Message& message);
  void handle_dcep(Timestamp now, const Message& message);
  void handle_open(Timestamp now, StreamId id, const DcepOpen& open);
  void handle_user(Timestamp now, Message& message);
  void refuse(Timestamp now, StreamId id);

  Association& association;
  ChannelsConfig config;
  std::optional<DtlsRole> role;
  bool connected = false;
  bool ended = false;
  std::uint32_t next_handle = 1;
  std::map<std::uint32_t, Channel> channels;
  std::unordered_map<std::uint16_t, ChannelHandle> by_id;
  Ring<ChannelEvent> events;
};

ChannelHandle Channels::Impl::add(Channel channel) {
  const ChannelHandle handle{next_handle++};
  if (channel.id) by_id.emplace(channel.id->value(), handle);
  channels.emplace(handle.value(), std::move(channel));
  return handle;
}

// RFC 8832 section 6: even ids for the DTLS client, odd ones for the server; the lowest free one.
bool Channels::Impl::give_id(ChannelHandle handle, Channel& channel) {
  for (std::uint32_t id = *role == DtlsRole::client ? 0 : 1; id <= kMaxId; id += 2) {
    if (by_id.try_emplace(static_cast<std::uint16_t>(id), handle).second) {
      channel.id = StreamId{static_cast<std::uint16_t>(id)};
      return true;
    }
  }
  return false;
}

void Channels::Impl::start(Timestamp now, ChannelHandle handle, Channel& channel) {
  if (!channel.id) {
    if (!role) return;
    if (!give_id(handle, channel)) {
      remove(handle, true);
      return;
    }
  }
  if (channel.acknowledged || channel.state != ChannelState::connecting) return;
  association.set_weight(*channel.id, static_cast<std::uint16_t>(channel.options.priority));
  association.set_buffered_amount_low_threshold(*channel.id, channel.low_threshold);
  if (channel.options.negotiated) {
    channel.acknowledged = true;
  } else {
    const auto open = DcepOpen{channel.options}.to_bytes();
    if (!association.send(now, *channel.id, static_cast<std::uint32_t>(Ppid::dcep), open)) {
      remove(handle, true);
      return;
    }
  }
  // Section 6: data may follow at once, in order, so that it does not overtake the OPEN.
  channel.state = ChannelState::open;
  events.push_back(ChannelOpened{handle});
}

void Channels::Impl::try_start_all(Timestamp now) {
  if (!connected) return;
  std::vector<std::uint32_t> waiting;
  for (const auto& [handle, channel] : channels) {
    if (channel.state == ChannelState::connecting) waiting.push_back(handle);
  }
  for (const std::uint32_t handle : waiting) {
    if (Channel* const c = find(ChannelHandle{handle})) start(now, ChannelHandle{handle}, *c);
  }
}

// RFC 8831 section 6.7: what was accepted goes first, which the association sees to.
void Channels::Impl::begin_close(Timestamp now, ChannelHandle handle, Channel& channel) {
  if (!channel.reset_asked && channel.id && connected) {
    channel.reset_asked = true;
    if (!association.reset_streams(now, {*channel.id})) {
      remove(handle, channel.failed);
      return;
    }
  }
  if (channel.state == ChannelState::closing) return;
  channel.state = ChannelState::closing;
  events.push_back(ChannelClosing{handle});
  if (!channel.id || !connected) remove(handle, channel.failed);
}

void Channels::Impl::finish_if_reset(ChannelHandle handle, Channel& channel) {
  if (channel.outgoing_reset && channel.incoming_reset) remove(handle, channel.failed);
}

void Channels::Impl::remove(ChannelHandle handle, bool failed) {
  Channel* const channel = find(handle);
  if (channel == nullptr) return;
  if (channel->id) by_id.erase(channel->id->value());
  channels.erase(handle.value());
  events.push_back(ChannelClosed{handle, failed});
}

// ---- incoming --------------------------------------------------------------------------------

void Channels::Impl::handle(Timestamp now, Event& event) {
  if (auto* const m = std::get_if<Message>(&event)) {
    handle_message(now, *m);
  } else if (std::holds_alternative<Connected>(event)) {
    connected = true;
    events.push_back(TransportConnected{});
    try_start_all(now);
  } else if (const auto* const in = std::get_if<IncomingStreamsReset>(&event)) {
    std::vector<StreamId> streams = in->streams;
    if (streams.empty()) {
      for (const auto& [id, handle] : by_id) streams.push_back(StreamId{id});
    }
    for (const StreamId id : streams) {
      const auto at = by_id.find(id.value());
      if (at == by_id.end()) continue;
      const ChannelHandle handle = at->second;
      Channel* const channel = find(handle);
      if (channel == nullptr) continue;
      channel->incoming_reset = true;
      begin_close(now, handle, *channel);
      if (Channel* const still = find(handle)) finish_if_reset(handle, *still);
    }
  } else if (const auto* const out = std::get_if<OutgoingStreamsReset>(&event)) {
    for (const StreamId id : out->streams) {
      const auto at = by_id.find(id.value());
      if (at == by_id.end()) continue;
      Channel* const channel = find(at->second);
      if (channel == nullptr) continue;
      channel->outgoing_reset = true;
      finish_if_reset(at->second, *channel);
    }
  } else if (const auto* const refused = std::get_if<StreamResetRefused>(&event)) {
    // The peer will not let go of the stream: the channel is over, its id stays taken.
    for (const StreamId id : refused->streams) {
      const auto at = by_id.find(id.value());
      if (at == by_id.end()) continue;
      const ChannelHandle handle = at->second;
      channels.erase(handle.value());
      at->second = ChannelHandle{0};
      events.push_back(ChannelClosed{handle, true});
    }
  } else if (const auto* const low = std::get_if<BufferedAmountLow>(&event)) {
    const auto at = by_id.find(low->stream.value());
    if (at != by_id.end()) events.push_back(ChannelBufferedAmountLow{at->second});
  } else if (const auto* const closed = std::get_if<Closed>(&event)) {
    ended = true;
    connected = false;
    while (!channels.empty()) {
      const ChannelHandle handle{channels.begin()->first};
      const bool failed = closed->cause != CloseCause::shutdown;
      remove(handle, failed);
    }
    events.push_back(TransportClosed{*closed});
  }
}

void Channels::Impl::handle_message(Timestamp now, Message& message) {
  if (message.ppid == static_cast<std::uint32_t>(Ppid::dcep)) {
    handle_dcep(now, message);
    association.recycle(std::move(message.data));
  } else {
    handle_user(now, message);
  }
}

void Channels::Impl::handle_dcep(Timestamp now, const Message& message) {
  if (message.data.empty()) return;
  const auto at = by_id.find(message.stream.value());
  if (message.data[0] == static_cast<std::uint8_t>(DcepType::ack)) {
    if (Channel* const c = at == by_id.end() ? nullptr : find(at->second)) c->acknowledged = true;
    return;
  }
  const auto open = DcepOpen::parse(message.data);
  if (!open) {
    refuse(now, message.stream);  // RFC 8832 section 6: an unknown type closes the channel
    return;
  }
  handle_open(now, message.stream, *open);
}

void Channels::Impl::handle_open(Timestamp now, StreamId id, const DcepOpen& open) {
  const auto at = by_id.find(id.value());
  // Ids of the wrong parity are taken as long as they are free: other stacks have been seen to
  // agree on ids by themselves, and nothing else depends on it.
  if (at != by_id.end() || channels.size() >= config.max_channels || id.value() > kMaxId) {
    refuse(now, id);
    return;
  }
  Channel channel;
  channel.options = open.options;
  channel.options.id = id;
  channel.id = id;
  channel.state = ChannelState::open;
  channel.acknowledged = true;
  const ChannelHandle handle = add(std::move(channel));
  association.set_weight(id, static_cast<std::uint16_t>(open.options.priority));
  if (!association.send(now, id, static_cast<std::uint32_t>(Ppid::dcep), kAck)) {
    remove(handle, true);
    return;
  }
  events.push_back(ChannelAnnounced{handle});
}

// Closes a stream that carries no channel, or one whose peer breaks the rules.
void Channels::Impl::refuse(Timestamp now, StreamId id) {
  const auto at = by_id.find(id.value());
  Channel* const channel = at == by_id.end() ? nullptr : find(at->second);
  if (channel != nullptr) {
    channel->failed = true;
    begin_close(now, at->second, *channel);
  } else if (connected) {
    (void)association.reset_streams(now, {id}).has_value();
  }
}

void Channels::Impl::handle_user(Timestamp now, Message& message) {
  const auto at = by_id.find(message.stream.value());
  Channel* const c = at == by_id.end() ? nullptr : find(at->second);
  // On a stream without a channel there is nobody to tell; a channel that closes hears what was
  // still under way, as W3C asks.
  if (c == nullptr || c->incoming_reset) {
    association.recycle(std::move(message.data));
    return;
  }
  c->acknowledged = true;  // RFC 8832 section 6: data says as much as an ACK
  ChannelMessage out{at->second, MessageKind::binary, {}};
  switch (static_cast<Ppid>(message.ppid)) {
    case Ppid::text_empty:
      out.kind = MessageKind::text;
      [[fallthrough]];
    case Ppid::binary_empty:
      association.recycle(std::move(message.data));
      message.data.clear();
      break;
    case Ppid::text_partial:
    case Ppid::binary_partial:
      // RFC 8831 section 6.6: fragments of the deprecated kind are put together, up to what one
      // message may have.
      if (c->partial.size() + message.data.size() > association.max_receive_message()) {
        refuse(now, message.stream);
        return;
      }
      c->partial.insert(c->partial.end(), message.data.begin(), message.data.end());
      association.recycle(std::move(message.data));
      return;
    case Ppid::text:
      out.kind = MessageKind::text;
      break;
    case Ppid::binary:
      break;
    default:
      refuse(now, message.stream);  // RFC 8831 section 6.6
      return;
  }
  if (!c->partial.empty()) {
    c->partial.insert(c->partial.end(), message.data.begin(), message.data.end());
    message.data = std::move(c->partial);
    c->partial = {};
  }
  ++c->messages_received;
  c->bytes_received += message.data.size();
  out.data = std::move(message.data);
  events.push_back(std::move(out));
}

// ---- the interface ---------------------------------------------------------------------------

Channels::Channels(Association& association, const ChannelsConfig& config)
    : impl_(std::make_unique<Impl>(association, config)) {}
Channels::Channels(Channels&&) noexcept = default;
Channels& Channels::operator=(Channels&&) noexcept = default;
Channels::~Channels() = default;

void Channels::set_role(Timestamp now, DtlsRole role) {
  impl_->role = role;
  impl_->try_start_all(now);
}

void Channels::set_max_send_message(std::size_t bytes) { impl_->config.max_send_message = bytes; }

Result<ChannelHandle> Channels::open(Timestamp now, const ChannelOptions& options) {
  if (impl_->ended) return Error{Errc::closed, "open: the association ended"};
  if (options.max_retransmits && options.max_packet_lifetime) {
    return Error{Errc::invalid_argument, "open: max_retransmits and max_packet_lifetime"};
  }
  if (options.negotiated != options.id.has_value()) {
    return Error{Errc::invalid_argument, "open: an id goes with a negotiated channel"};
  }
  if (options.label.size() > kMaxText || options.protocol.size() > kMaxText) {
    return Error{Errc::invalid_argument, "open: label or protocol too long"};
  }
  const auto lifetime = options.max_packet_lifetime.value_or(std::chrono::milliseconds{0}).count();
  if (lifetime < 0 || lifetime > 65'535) {
    return Error{Errc::invalid_argument, "open: max_packet_lifetime above 65535 ms"};
  }
  if (options.id && options.id->value() > kMaxId) {
    return Error{Errc::invalid_argument, "open: id 65535"};
  }
  if (options.id && impl_->by_id.count(options.id->value()) == 1) {
    return Error{Errc::invalid_state, "open: the id is in use"};
  }
  if (impl_->channels.size() >= impl_->config.max_channels) {
    return Error{Errc::too_large, "open: too many channels"};
  }
  Channel channel;
  channel.options = options;
  channel.id = options.id;
  const ChannelHandle handle = impl_->add(std::move(channel));
  if (impl_->connected) impl_->start(now, handle, *impl_->find(handle));
  return handle;
}

bool Channels::Impl::send_raw(Timestamp now, Channel& c, Ppid ppid, Bytes message) {
  SendOptions options;
  options.ordered = c.options.ordered || !c.acknowledged;
  if (c.options.max_retransmits) options.max_retransmits = *c.options.max_retransmits;
  if (c.options.max_packet_lifetime) options.lifetime = *c.options.max_packet_lifetime;
  return association.send(now, *c.id, static_cast<std::uint32_t>(ppid), message, options)
      .has_value();
}

Result<void> Channels::send(Timestamp now, ChannelHandle handle, MessageKind kind, Bytes message) {
  Channel* const c = impl_->find(handle);
  if (c == nullptr) return Error{Errc::not_found, "send: no such channel"};
  if (c->state != ChannelState::open) return Error{Errc::invalid_state, "send: not open"};
  const std::size_t most = impl_->config.max_send_message;
  if (most != 0 && message.size() > most) return Error{Errc::too_large, "send: message"};
  const bool text = kind == MessageKind::text;
  // RFC 8831 section 6.6: SCTP carries no empty messages, so one byte stands for none.
  constexpr std::uint8_t kNothing[] = {0};
  const bool empty = message.empty();
  const Ppid ppid =
      empty ? (text ? Ppid::text_empty : Ppid::binary_empty) : (text ? Ppid::text : Ppid::binary);
  if (!impl_->send_raw(now, *c, ppid, empty ? Bytes{kNothing} : message)) {
    return Error{Errc::queue_full, "send"};
  }
  ++c->messages_sent;
  c->bytes_sent += message.size();
  return {};
}

void Channels::close(Timestamp now, ChannelHandle handle) {
  if (Channel* const c = impl_->find(handle)) impl_->begin_close(now, handle, *c);
}

void Channels::set_buffered_amount_low_threshold(ChannelHandle handle, std::size_t bytes) {
  Channel* const c = impl_->find(handle);
  if (c == nullptr) return;
  c->low_threshold = bytes;
  if (c->id) impl_->association.set_buffered_amount_low_threshold(*c->id, bytes);
}

std::optional<ChannelInfo> Channels::info(ChannelHandle handle) const {
  const Channel* const c = impl_->find(handle);
  if (c == nullptr) return std::nullopt;
  ChannelInfo out{c->options, c->id, c->state};
  if (c->id) out.buffered_amount = impl_->association.buffered_amount(*c->id);
  out.messages_sent = c->messages_sent;
  out.messages_received = c->messages_received;
  out.bytes_sent = c->bytes_sent;
  out.bytes_received = c->bytes_received;
  return out;
}

std::vector<ChannelHandle> Channels::handles() const {
  std::vector<ChannelHandle> out;
  for (const auto& [handle, channel] : impl_->channels) out.push_back(ChannelHandle{handle});
  return out;
}

std::optional<ChannelEvent> Channels::poll_event(Timestamp now) {
  while (impl_->events.empty()) {
    auto event = impl_->association.poll_event();
    if (!event) return std::nullopt;
    impl_->handle(now, *event);
  }
  return impl_->events.pop_front();
}

}  // namespace parley::sctp
