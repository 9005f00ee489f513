// Data channels of a connection: what the application asks, and what it is told.
#include <utility>

#include "peer/connection.hpp"

namespace parley::peer {

// --- The application asks ---

Result<DataChannel> Connection::create_data_channel(std::string_view label,
                                                    const DataChannelInit& init) {
  if (closed_) return Error{Errc::closed, "connection"};
  sctp::ChannelOptions options;
  options.label = label;
  options.protocol = init.protocol;
  options.ordered = init.ordered;
  options.max_retransmits = init.max_retransmits;
  options.max_packet_lifetime = init.max_packet_lifetime;
  options.negotiated = init.negotiated;
  // W3C webrtc-pc section 6.1: an id is ignored unless both sides agreed on it.
  if (init.negotiated && init.id) options.id = sctp::StreamId{*init.id};
  options.priority = init.priority;
  const auto opened = session_->open_channel(driver_.now(), options);
  if (!opened) return opened.error();
  channels_.try_emplace(*opened);
  wake();
  return DataChannel{weak_from_this(), *opened};
}

std::vector<DataChannel> Connection::data_channels() {
  std::vector<DataChannel> channels;
  for (const sctp::ChannelHandle handle : session_->channels()) {
    channels.push_back(DataChannel{weak_from_this(), handle});
  }
  return channels;
}

std::optional<sctp::ChannelInfo> Connection::channel(sctp::ChannelHandle channel) const {
  return session_->channel(channel);
}

Result<void> Connection::send(sctp::ChannelHandle channel, MessageKind kind, Bytes message) {
  if (closed_) return Error{Errc::closed, "connection"};
  auto sent = session_->send(driver_.now(), channel, kind, message);
  if (sent) wake();
  return sent;
}

Result<void> Connection::send(sctp::ChannelHandle channel, MessageKind kind,
                              std::vector<std::uint8_t>&& message) {
  if (closed_) return Error{Errc::closed, "connection"};
  auto sent = session_->send(driver_.now(), channel, kind, std::move(message));
  if (sent) wake();
  return sent;
}

void Connection::set_buffered_amount_low_threshold(sctp::ChannelHandle channel, std::size_t bytes) {
  session_->set_buffered_amount_low_threshold(channel, bytes);
}

void Connection::close_channel(sctp::ChannelHandle channel) {
  if (closed_) return;
  session_->close_channel(driver_.now(), channel);
  wake();
}

void Connection::pause_channel(sctp::ChannelHandle channel) {
  session_->pause_channel(driver_.now(), channel);
}

void Connection::resume_channel(sctp::ChannelHandle channel) {
  if (closed_) return;
  session_->resume_channel(driver_.now(), channel);
  wake();
}

ChannelHandlers* Connection::channel_handlers(sctp::ChannelHandle channel) {
  const auto found = channels_.find(channel);
  return found == channels_.end() ? nullptr : &found->second;
}

// --- The application is told ---

bool Connection::dispatch_data(SessionEvent& event) {
  const auto call = [this](sctp::ChannelHandle channel, auto ChannelHandlers::*which) {
    const ChannelHandlers* handlers = channel_handlers(channel);
    // Copied: it may replace itself, or the table may change under it.
    if (const auto handler = handlers != nullptr ? handlers->*which : nullptr) handler();
  };
  if (auto* message = std::get_if<event::DataReceived>(&event)) {
    dispatch(*message);
  } else if (const auto* announced = std::get_if<event::DataChannelAnnounced>(&event)) {
    channels_.try_emplace(announced->channel);
    if (const auto handler = handlers_.data_channel) {
      handler(DataChannel{weak_from_this(), announced->channel});
    }
  } else if (const auto* opened = std::get_if<event::DataChannelOpened>(&event)) {
    call(opened->channel, &ChannelHandlers::open);
  } else if (const auto* low = std::get_if<event::DataBufferedAmountLow>(&event)) {
    call(low->channel, &ChannelHandlers::buffered_amount_low);
  } else if (const auto* writable = std::get_if<event::DataWritable>(&event)) {
    call(writable->channel, &ChannelHandlers::writable);
  } else if (const auto* closing = std::get_if<event::DataChannelClosing>(&event)) {
    call(closing->channel, &ChannelHandlers::closing);
  } else if (const auto* closed = std::get_if<event::DataChannelClosed>(&event)) {
    dispatch(*closed);
  } else {
    return false;
  }
  return true;
}

void Connection::dispatch(event::DataReceived& event) {
  const ChannelHandlers* handlers = channel_handlers(event.channel);
  const auto handler = handlers != nullptr ? handlers->message : nullptr;
  DataMessage message{event.kind, std::move(event.data)};
  if (handler) (*handler)(message);
  session_->recycle(std::move(message.data));
}

void Connection::dispatch(const event::DataChannelClosed& event) {
  const auto found = channels_.find(event.channel);
  if (found == channels_.end()) return;
  // Handlers often hold the channel's owner: they go with the channel.
  const ChannelHandlers handlers = std::move(found->second);
  channels_.erase(found);
  if (handlers.close) handlers.close(event.reason);
}

}  // namespace parley::peer
