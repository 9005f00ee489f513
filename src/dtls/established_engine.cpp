#include "dtls/established_engine.hpp"

#include <utility>

namespace parley::dtls {
namespace {

// RFC 5246 section 7.4: HandshakeType.
constexpr std::uint8_t kHelloRequest = 0;
constexpr std::uint8_t kClientHello = 1;
constexpr std::uint8_t kCertificate = 11;
constexpr std::uint8_t kCertificateVerify = 15;
constexpr std::uint8_t kClientKeyExchange = 16;
constexpr std::uint8_t kFinished = 20;
// RFC 6347 section 4.2.2.
constexpr std::size_t kHandshakeHeaderSize = 12;

// The datagrams of one repeated flight arrive together and want one answer, and nobody's timer is
// shorter than this.
constexpr Duration kRepeatPause = 20ms;

// An alert is not acknowledged. A peer that misses all of these notices the end when its consent
// to send expires (RFC 7675), half a minute later.
constexpr int kCloseNotifies = 3;

}  // namespace

EstablishedEngine::EstablishedEngine(Timestamp now, Handover handover)
    : records_(std::move(handover.records)),
      outgoing_(std::move(handover.outgoing)),
      last_flight_(std::move(handover.last_flight)),
      last_flight_sent_(now),
      max_datagram_size_(handover.max_datagram_size),
      retransmissions_(handover.retransmissions) {
  events_.emplace_back(std::move(handover.report));
}

std::optional<MutableBytes> EstablishedEngine::handle_datagram(Timestamp now, MutableBytes datagram,
                                                               FirstRecord first) {
  std::optional<MutableBytes> in_place;
  while (!ended_) {
    const auto header = parse_record_header(datagram);
    if (!header) break;
    const MutableBytes record = datagram.first(header->record_size());
    datagram = datagram.subspan(record.size());
    if (header->epoch == 0) {
      handle_unprotected(now, header->type, record.subspan(kRecordHeaderSize));
      continue;
    }
    const auto content = records_.unprotect(*header, record);
    if (!content || content->empty()) continue;
    if (header->type == ContentType::alert) {
      handle_alert(*content);
    } else if (header->type == ContentType::handshake) {
      handle_handshake(now, *content);
    } else if (header->type == ContentType::application_data) {
      // RFC 5246 section 7.4.9: the peer sends data when it has our Finished.
      last_flight_ = {};
      if (first == FirstRecord::in_place && !in_place) {
        in_place = content;
      } else {
        events_.emplace_back(Data{{content->begin(), content->end()}});
      }
    }
  }
  return in_place;
}

// RFC 5246 section 7.2. Warnings other than close_notify mean nothing to us.
void EstablishedEngine::handle_alert(Bytes content) {
  if (content.size() != 2) return;
  if (content[1] == static_cast<std::uint8_t>(AlertDescription::close_notify)) {
    ended_ = true;
    events_.emplace_back(Closed{});
  } else if (content[0] == static_cast<std::uint8_t>(AlertLevel::fatal)) {
    ended_ = true;
    events_.emplace_back(
        Failure{FailureKind::alert_received, "alert " + alert_name(content[1]) + " received"});
  }
}

void EstablishedEngine::handle_handshake(Timestamp now, Bytes message) {
  if (message[0] == kFinished) return repeat_last_flight(now);
  // RFC 5246 section 7.2.2: how to refuse a renegotiation and go on.
  if (message[0] == kHelloRequest || message[0] == kClientHello) {
    queue_alert(AlertLevel::warning, AlertDescription::no_renegotiation);
  }
}

// Anybody can make a record of epoch 0, so all that it can bring about is a repetition.
void EstablishedEngine::handle_unprotected(Timestamp now, ContentType type, Bytes content) {
  if (type != ContentType::handshake || content.size() < kHandshakeHeaderSize) return;
  const std::uint8_t message = content[0];
  if (message == kCertificate || message == kCertificateVerify || message == kClientKeyExchange) {
    repeat_last_flight(now);
  }
}

// RFC 6347 section 4.2.4: a peer that repeats its flight has not seen our answer. The bytes may be
// the same again, unlike those of earlier flights, because nobody has to answer this one: a peer
// that drops them as replayed has them already, and is done.
void EstablishedEngine::repeat_last_flight(Timestamp now) {
  if (now - last_flight_sent_ < kRepeatPause) return;
  last_flight_sent_ = now;
  for (const auto& datagram : last_flight_) outgoing_.push(datagram);
}

std::optional<Engine::Event> EstablishedEngine::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Result<void> EstablishedEngine::check_sendable(Bytes data) const {
  if (ended_) return Error{Errc::closed, "dtls send"};
  if (data.size() > max_data_size()) return Error{Errc::too_large, "dtls record"};
  if (data.empty()) return Error{Errc::invalid_argument, "empty dtls record"};
  return {};
}

Result<void> EstablishedEngine::queue_record(ContentType type, Bytes content) {
  std::vector<std::uint8_t> datagram(content.size() + kMaxRecordOverhead);
  const auto record = records_.protect(type, content, datagram);
  if (!record) return record.error();
  datagram.resize(record->size());
  outgoing_.push(std::move(datagram));
  return {};
}

void EstablishedEngine::queue_alert(AlertLevel level, AlertDescription description) {
  if (outgoing_.full()) return;
  // Refused only when no record number is left.
  static_cast<void>(queue_record(ContentType::alert, alert_content(level, description)));
}

Result<void> EstablishedEngine::send(Bytes data) {
  if (auto sendable = check_sendable(data); !sendable) return sendable;
  if (outgoing_.full()) return Error{Errc::queue_full, "dtls datagrams"};
  return queue_record(ContentType::application_data, data);
}

Result<MutableBytes> EstablishedEngine::protect(Bytes data, MutableBytes storage) {
  if (auto sendable = check_sendable(data); !sendable) return sendable.error();
  return records_.protect(ContentType::application_data, data, storage);
}

void EstablishedEngine::close() {
  if (ended_) return;
  for (int i = 0; i < kCloseNotifies; ++i) {
    queue_alert(AlertLevel::warning, AlertDescription::close_notify);
  }
  ended_ = true;
}

}  // namespace parley::dtls
