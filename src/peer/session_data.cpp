// Data channels of a Session, and what they share with media: the keys of one DTLS handshake.
#include <algorithm>

#include "parley/session.hpp"
#include "peer/session_impl.hpp"

namespace parley {

Result<sctp::ChannelHandle> Session::open_channel(Timestamp now,
                                                  const sctp::ChannelOptions& options) {
  if (impl_->closed) return Error{Errc::closed, "session"};
  if (!impl_->state.config->data_channels) return Error{Errc::unsupported, "data channels are off"};
  auto opened = impl_->data.open(now, options);
  if (!opened) return opened;
  if (auto wanted = jsep::want_data(impl_->state); !wanted) return wanted.error();
  impl_->check_negotiation_needed();
  return opened;
}

Result<void> Session::send(Timestamp now, sctp::ChannelHandle channel, sctp::MessageKind kind,
                           Bytes message) {
  if (impl_->closed) return Error{Errc::closed, "session"};
  return impl_->data.send(now, channel, kind, message);
}

Result<void> Session::send(Timestamp now, sctp::ChannelHandle channel, sctp::MessageKind kind,
                           std::vector<std::uint8_t>&& message) {
  if (impl_->closed) return Error{Errc::closed, "session"};
  return impl_->data.send(now, channel, kind, std::move(message));
}

void Session::close_channel(Timestamp now, sctp::ChannelHandle channel) {
  if (!impl_->closed) impl_->data.close(now, channel);
}

void Session::set_buffered_amount_low_threshold(sctp::ChannelHandle channel, std::size_t bytes) {
  impl_->data.set_buffered_amount_low_threshold(channel, bytes);
}

void Session::pause_channel(Timestamp now, sctp::ChannelHandle channel) {
  if (!impl_->closed) impl_->data.pause(now, channel);
}

void Session::resume_channel(Timestamp now, sctp::ChannelHandle channel) {
  if (!impl_->closed) impl_->data.resume(now, channel);
}

std::optional<sctp::ChannelInfo> Session::channel(sctp::ChannelHandle channel) const {
  return impl_->closed ? std::nullopt : impl_->data.info(channel);
}

std::vector<sctp::ChannelHandle> Session::channels() const {
  return impl_->closed ? std::vector<sctp::ChannelHandle>{} : impl_->data.handles();
}

std::optional<std::size_t> Session::max_message_size() const {
  return impl_->data.max_message_size();
}

void Session::recycle(std::vector<std::uint8_t>&& data) { impl_->data.recycle(std::move(data)); }

// Called when DTLS is done.
void Session::Impl::start_data(Timestamp now) {
  data.start(now, {.role = transport.dtls_role() == dtls::Role::client ? sctp::DtlsRole::client
                                                                       : sctp::DtlsRole::server,
                   .max_packet_size = transport.max_data_size(),
                   .round_trip_time = transport.ice().round_trip_time()});
}

bool Session::Impl::has_media() const {
  return std::any_of(state.transceivers.begin(), state.transceivers.end(), [](const auto& t) {
    return t.current_direction && *t.current_direction != Direction::inactive;
  });
}

// A handshake made for data alone may have given no keys; media that is negotiated later cannot go
// over it (RFC 5764 section 4.1: the profile is chosen in the handshake and nowhere else).
void Session::Impl::check_media_keys(Timestamp now) {
  const auto& secured = transport.secured();
  if (!secured || secured->srtp_profile || !failure.empty() || !has_media()) return;
  fail(now, "DTLS: the peer agreed on no SRTP profile, and media was negotiated");
}

}  // namespace parley
