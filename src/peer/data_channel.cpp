#include "parley/data_channel.hpp"

#include <utility>

#include "peer/connection.hpp"

namespace parley {
namespace {

Error gone() { return {Errc::closed, "the connection is gone"}; }

std::optional<sctp::ChannelInfo> info_of(const std::weak_ptr<peer::Connection>& weak,
                                         sctp::ChannelHandle handle) {
  const auto connection = weak.lock();
  return connection ? connection->channel(handle) : std::nullopt;
}

template <class Handler>
void set_handler(const std::weak_ptr<peer::Connection>& weak, sctp::ChannelHandle handle,
                 Handler peer::ChannelHandlers::*which, Handler handler) {
  const auto connection = weak.lock();
  auto* handlers = connection ? connection->channel_handlers(handle) : nullptr;
  if (handlers != nullptr) handlers->*which = std::move(handler);
}

}  // namespace

// --- What it is ---

std::string DataChannel::label() const {
  auto info = info_of(connection_, handle_);
  return info ? std::move(info->options.label) : std::string{};
}

std::string DataChannel::protocol() const {
  auto info = info_of(connection_, handle_);
  return info ? std::move(info->options.protocol) : std::string{};
}

bool DataChannel::ordered() const {
  const auto info = info_of(connection_, handle_);
  return !info || info->options.ordered;
}

std::optional<std::uint16_t> DataChannel::max_retransmits() const {
  const auto info = info_of(connection_, handle_);
  return info ? info->options.max_retransmits : std::nullopt;
}

std::optional<std::chrono::milliseconds> DataChannel::max_packet_lifetime() const {
  const auto info = info_of(connection_, handle_);
  return info ? info->options.max_packet_lifetime : std::nullopt;
}

bool DataChannel::negotiated() const {
  const auto info = info_of(connection_, handle_);
  return info && info->options.negotiated;
}

DataChannelPriority DataChannel::priority() const {
  const auto info = info_of(connection_, handle_);
  return info ? info->options.priority : DataChannelPriority::low;
}

std::optional<std::uint16_t> DataChannel::id() const {
  const auto info = info_of(connection_, handle_);
  if (!info || !info->id) return std::nullopt;
  return info->id->value();
}

DataChannelState DataChannel::state() const {
  const auto info = info_of(connection_, handle_);
  return info ? info->state : DataChannelState::closed;
}

std::size_t DataChannel::buffered_amount() const {
  const auto info = info_of(connection_, handle_);
  return info ? info->buffered_amount : 0;
}

// --- What it does ---

Result<void> DataChannel::send(std::string_view text) {
  const auto connection = connection_.lock();
  if (!connection) return gone();
  return connection->send(handle_, MessageKind::text,
                          {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Result<void> DataChannel::send(Bytes binary) {
  const auto connection = connection_.lock();
  return connection ? connection->send(handle_, MessageKind::binary, binary) : gone();
}

Result<void> DataChannel::send(std::vector<std::uint8_t>&& binary) {
  const auto connection = connection_.lock();
  return connection ? connection->send(handle_, MessageKind::binary, std::move(binary)) : gone();
}

void DataChannel::set_buffered_amount_low_threshold(std::size_t bytes) {
  if (const auto connection = connection_.lock()) {
    connection->set_buffered_amount_low_threshold(handle_, bytes);
  }
}

void DataChannel::pause() {
  if (const auto connection = connection_.lock()) connection->pause_channel(handle_);
}

void DataChannel::resume() {
  if (const auto connection = connection_.lock()) connection->resume_channel(handle_);
}

void DataChannel::close() {
  if (const auto connection = connection_.lock()) connection->close_channel(handle_);
}

// --- What it tells ---

void DataChannel::on_open(std::function<void()> handler) {
  set_handler(connection_, handle_, &peer::ChannelHandlers::open, std::move(handler));
}

void DataChannel::on_message(std::function<void(DataMessage&)> handler) {
  using Handler = std::function<void(DataMessage&)>;
  set_handler(connection_, handle_, &peer::ChannelHandlers::message,
              handler ? std::make_shared<const Handler>(std::move(handler))
                      : std::shared_ptr<const Handler>{});
}

void DataChannel::on_buffered_amount_low(std::function<void()> handler) {
  set_handler(connection_, handle_, &peer::ChannelHandlers::buffered_amount_low,
              std::move(handler));
}

void DataChannel::on_writable(std::function<void()> handler) {
  set_handler(connection_, handle_, &peer::ChannelHandlers::writable, std::move(handler));
}

void DataChannel::on_closing(std::function<void()> handler) {
  set_handler(connection_, handle_, &peer::ChannelHandlers::closing, std::move(handler));
}

void DataChannel::on_close(std::function<void(std::string_view reason)> handler) {
  set_handler(connection_, handle_, &peer::ChannelHandlers::close, std::move(handler));
}

}  // namespace parley
