// What the association tells its channels: messages, openings, resets, the end.
#include "sctp/channels_impl.hpp"

namespace parley::sctp {
namespace {
constexpr std::uint8_t kAck[] = {static_cast<std::uint8_t>(DcepType::ack)};
}  // namespace

void Channels::Impl::handle(Timestamp now, Event& event) {
  if (auto* const m = std::get_if<Message>(&event)) {
    handle_message(now, *m);
  } else if (std::holds_alternative<Connected>(event)) {
    started = true;
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
      at->second = ChannelHandle{0};
      if (find(handle) != nullptr) bury(handle, "the peer did not let the stream be reset");
    }
  } else if (const auto* const low = std::get_if<BufferedAmountLow>(&event)) {
    const auto at = by_id.find(low->stream.value());
    if (at != by_id.end()) events.push_back(ChannelBufferedAmountLow{at->second});
  } else if (std::holds_alternative<SendBufferAvailable>(event)) {
    tell_send_available();
  } else if (const auto* const closed = std::get_if<Closed>(&event)) {
    end(*closed);
  }
}

void Channels::Impl::tell_send_available() {
  for (auto& [handle, channel] : channels) {
    if (!std::exchange(channel.refused, false)) continue;
    if (channel.state == ChannelState::open) {
      events.push_back(ChannelSendAvailable{ChannelHandle{handle}});
    }
  }
}

void Channels::Impl::end(const Closed& closed) {
  ended = true;
  started = false;
  std::string reason;
  if (closed.cause != CloseCause::shutdown) {
    reason = "the association ended: " + std::string{to_string(closed.cause)};
    if (!closed.reason.empty()) reason += " (" + closed.reason + ")";
  }
  while (!channels.empty()) remove(ChannelHandle{channels.begin()->first}, reason);
  events.push_back(TransportClosed{closed});
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
    // RFC 8832 section 6: an unknown type closes the channel.
    refuse(now, message.stream, "the peer's DATA_CHANNEL_OPEN is malformed");
    return;
  }
  handle_open(now, message.stream, *open);
}

void Channels::Impl::handle_open(Timestamp now, StreamId id, const DcepOpen& open) {
  const auto at = by_id.find(id.value());
  // Ids of the wrong parity are taken as long as they are free: other stacks have been seen to
  // agree on ids by themselves, and nothing else depends on it.
  if (at != by_id.end() || channels.size() >= config.max_channels || id.value() > kMaxId) {
    refuse(now, id, "the peer opened the channel twice");
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
  SendOptions as_control;
  as_control.control = true;
  if (!association.send(now, id, static_cast<std::uint32_t>(Ppid::dcep), kAck, as_control)) {
    remove(handle, "the channel could not be acknowledged");
    return;
  }
  events.push_back(ChannelAnnounced{handle});
}

// Closes a stream that carries no channel, or one whose peer breaks the rules.
void Channels::Impl::refuse(Timestamp now, StreamId id, std::string_view why) {
  const auto at = by_id.find(id.value());
  Channel* const channel = at == by_id.end() ? nullptr : find(at->second);
  if (channel != nullptr) {
    channel->failure = why;
    begin_close(now, at->second, *channel);
  } else if (started) {
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
        refuse(now, message.stream, "the peer's message is too long");
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
      refuse(now, message.stream,
             "the peer's message is of no known kind");  // RFC 8831 section 6.6
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

}  // namespace parley::sctp
