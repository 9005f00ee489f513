#include "parley/sctp/channels.hpp"

#include <algorithm>

#include "sctp/channels_impl.hpp"

namespace parley::sctp {
namespace {
constexpr std::size_t kMaxText = 65'535;
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
      remove(handle, "no stream id is free");
      return;
    }
  }
  if (channel.acknowledged || channel.state != ChannelState::connecting) return;
  association.set_weight(*channel.id, static_cast<std::uint16_t>(channel.options.priority));
  association.set_buffered_amount_low_threshold(*channel.id, channel.low_threshold);
  if (channel.options.negotiated) {
    channel.acknowledged = true;
  } else {
    SendOptions as_control;
    as_control.control = true;
    if (auto sent = association.send(now, *channel.id, static_cast<std::uint32_t>(Ppid::dcep),
                                     DcepOpen{channel.options}.to_bytes(), as_control);
        !sent) {
      remove(handle, "the channel could not be opened: " + sent.error().to_string());
      return;
    }
    // Section 6: data may follow at once, in order, so that it does not overtake the OPEN. When the
    // peer has answered, what still waits on an unordered channel is unordered too. A message in
    // order that is given up holds up the others at the peer until FORWARD TSN comes; at Pion
    // (SCTP 1.8.6), which leaves out streams that it knows to be unordered when it reads one, for
    // ever.
    if (!channel.options.ordered) association.unorder_when_heard(*channel.id);
  }
  channel.state = ChannelState::open;
  events.push_back(ChannelOpened{handle});
}

void Channels::Impl::try_start_all(Timestamp now) {
  if (!started) return;
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
  if (!channel.reset_asked && channel.id && started) {
    channel.reset_asked = true;
    if (!association.reset_streams(now, {*channel.id})) {
      remove(handle, std::string{channel.failure});
      return;
    }
  }
  if (channel.state == ChannelState::closing) return;
  channel.state = ChannelState::closing;
  resume(handle, channel);
  events.push_back(ChannelClosing{handle});
  if (!channel.id || !started) remove(handle, std::string{channel.failure});
}

void Channels::Impl::finish_if_reset(ChannelHandle handle, Channel& channel) {
  if (channel.outgoing_reset && channel.incoming_reset)
    remove(handle, std::string{channel.failure});
}

void Channels::Impl::remove(ChannelHandle handle, std::string reason) {
  Channel* const channel = find(handle);
  if (channel == nullptr) return;
  if (channel->id) by_id.erase(channel->id->value());
  bury(handle, std::move(reason));
}

void Channels::Impl::bury(ChannelHandle handle, std::string reason) {
  auto node = channels.extract(handle.value());
  node.mapped().state = ChannelState::closed;
  resume(handle, node.mapped());
  gone.insert(std::move(node));
  const bool failed = !reason.empty();
  events.push_back(ChannelClosed{handle, failed, std::move(reason)});
}

Channels::Channels(Association& association, const ChannelsConfig& config)
    : impl_(std::make_unique<Impl>(association, config)) {}
Channels::Channels(Channels&&) noexcept = default;
Channels& Channels::operator=(Channels&&) noexcept = default;
Channels::~Channels() = default;

void Channels::set_role(Timestamp now, DtlsRole role) {
  impl_->role = role;
  impl_->try_start_all(now);
}

void Channels::start(Timestamp now) {
  if (impl_->ended) return;
  impl_->started = true;
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
  if (impl_->started) impl_->start(now, handle, *impl_->find(handle));
  return handle;
}

namespace {
Ppid ppid_of(MessageKind kind, bool empty) {
  if (kind == MessageKind::text) return empty ? Ppid::text_empty : Ppid::text;
  return empty ? Ppid::binary_empty : Ppid::binary;
}
// RFC 8831 section 6.6: SCTP carries no empty messages, so one byte stands for none.
constexpr std::uint8_t kNothing[] = {0};
}  // namespace

Result<Channel*> Channels::Impl::check(ChannelHandle handle, std::size_t size) {
  Channel* const c = find(handle);
  if (c == nullptr) return Error{Errc::not_found, "send: no such channel"};
  if (c->state != ChannelState::open) return Error{Errc::invalid_state, "send: not open"};
  if (config.max_send_message != 0 && size > config.max_send_message) {
    return Error{Errc::too_large, "send: the peer takes no message of this length"};
  }
  return c;
}

SendOptions Channels::Impl::options_of(const Channel& c) const {
  SendOptions options;
  options.ordered = c.options.ordered || !c.acknowledged;
  if (c.options.max_retransmits) options.max_retransmits = *c.options.max_retransmits;
  if (c.options.max_packet_lifetime) options.lifetime = *c.options.max_packet_lifetime;
  return options;
}

Result<void> Channels::Impl::note_sent(Channel& c, std::size_t size, Result<void> sent) {
  if (!sent) {
    c.refused = c.refused || sent.error().code == Errc::queue_full;
    return sent;
  }
  ++c.messages_sent;
  c.bytes_sent += size;
  return sent;
}

Result<void> Channels::send(Timestamp now, ChannelHandle handle, MessageKind kind, Bytes message) {
  const auto channel = impl_->check(handle, message.size());
  if (!channel) return channel.error();
  Channel& c = **channel;
  const auto ppid = static_cast<std::uint32_t>(ppid_of(kind, message.empty()));
  const Bytes bytes = message.empty() ? Bytes{kNothing} : message;
  return impl_->note_sent(c, message.size(),
                          impl_->association.send(now, *c.id, ppid, bytes, impl_->options_of(c)));
}

Result<void> Channels::send(Timestamp now, ChannelHandle handle, MessageKind kind,
                            std::vector<std::uint8_t>&& message) {
  if (message.empty()) return send(now, handle, kind, Bytes{});
  const auto channel = impl_->check(handle, message.size());
  if (!channel) return channel.error();
  Channel& c = **channel;
  const std::size_t size = message.size();
  const auto ppid = static_cast<std::uint32_t>(ppid_of(kind, false));
  return impl_->note_sent(
      c, size, impl_->association.send(now, *c.id, ppid, std::move(message), impl_->options_of(c)));
}

void Channels::close(Timestamp now, ChannelHandle handle) {
  if (Channel* const c = impl_->find(handle)) impl_->begin_close(now, handle, *c);
}

void Channels::close_all(Timestamp now) {
  for (const ChannelHandle handle : handles()) close(now, handle);
}

void Channels::shutdown(Timestamp now) {
  if (impl_->ended) return;
  for (auto& [handle, channel] : impl_->channels) {
    if (channel.state == ChannelState::closing) continue;
    channel.state = ChannelState::closing;
    impl_->resume(ChannelHandle{handle}, channel);
    impl_->events.push_back(ChannelClosing{ChannelHandle{handle}});
  }
  impl_->association.shutdown(now);
}

void Channels::recycle(std::vector<std::uint8_t>&& data) {
  impl_->association.recycle(std::move(data));
}

void Channels::set_buffered_amount_low_threshold(ChannelHandle handle, std::size_t bytes) {
  Channel* const c = impl_->find(handle);
  if (c == nullptr) return;
  c->low_threshold = bytes;
  if (c->id) impl_->association.set_buffered_amount_low_threshold(*c->id, bytes);
}

std::optional<ChannelInfo> Channels::info(ChannelHandle handle) const {
  const Channel* c = impl_->find(handle);
  if (c == nullptr) {
    const auto at = impl_->gone.find(handle.value());
    if (at == impl_->gone.end()) return std::nullopt;
    c = &at->second;
  }
  ChannelInfo out{c->options, c->id, c->state};
  if (c->id && c->state != ChannelState::closed) {
    out.buffered_amount = impl_->association.buffered_amount(*c->id);
  }
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

ChannelHandle Channels::next_handle() const { return ChannelHandle{impl_->next_handle}; }

void Channels::pause(ChannelHandle handle) {
  Channel* const c = impl_->find(handle);
  if (c != nullptr && c->state <= ChannelState::open) c->paused = true;
}

void Channels::resume(ChannelHandle handle) {
  if (Channel* const c = impl_->find(handle)) impl_->resume(handle, *c);
}

void Channels::Impl::resume(ChannelHandle handle, Channel& channel) {
  channel.paused = false;
  if (channel.kept.empty()) return;
  if (std::find(resumed.begin(), resumed.end(), handle) == resumed.end()) {
    resumed.push_back(handle);
  }
}

bool Channels::Impl::keep_if_paused(ChannelEvent& event) {
  auto* const message = std::get_if<ChannelMessage>(&event);
  Channel* const channel = message != nullptr ? find(message->channel) : nullptr;
  if (channel == nullptr || !channel->paused) return false;
  association.hold_back(message->data.size());
  channel->kept.push_back(std::move(*message));
  return true;
}

std::optional<ChannelEvent> Channels::Impl::poll_kept() {
  while (!resumed.empty()) {
    const ChannelHandle handle = resumed.front();
    Channel* channel = find(handle);
    if (const auto closed = gone.find(handle.value()); channel == nullptr && closed != gone.end())
      channel = &closed->second;
    // Its owner may have paused it again.
    if (channel == nullptr || channel->paused || channel->kept.empty()) {
      resumed.pop_front();
      continue;
    }
    ChannelMessage message = std::move(channel->kept.front());
    channel->kept.pop_front();
    association.release(message.data.size());
    return message;
  }
  return std::nullopt;
}

std::optional<ChannelEvent> Channels::poll_event(Timestamp now) {
  if (impl_->told_last) impl_->gone.erase(impl_->told_last->value());
  impl_->told_last.reset();
  if (auto kept = impl_->poll_kept()) return kept;
  ChannelEvent event;
  do {
    while (impl_->events.empty()) {
      auto news = impl_->association.poll_event();
      if (!news) return std::nullopt;
      impl_->handle(now, *news);
      if (auto kept = impl_->poll_kept()) return kept;
    }
    event = impl_->events.pop_front();
  } while (impl_->keep_if_paused(event));
  if (const auto* const closed = std::get_if<ChannelClosed>(&event)) {
    impl_->told_last = closed->channel;
  }
  return event;
}

}  // namespace parley::sctp
