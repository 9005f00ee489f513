#include "parley/stun/client.hpp"

#include <algorithm>

namespace parley::stun {
namespace {

// What a server may put into a Binding response. 0x0004 and 0x0005 (SOURCE-ADDRESS and
// CHANGED-ADDRESS of RFC 3489) are still sent by old servers in answers to modern requests.
constexpr Attribute kKnownInResponse[] = {
    Attribute::mapped_address,
    Attribute::xor_mapped_address,
    Attribute::error_code,
    Attribute::unknown_attributes,
    Attribute::username,
    Attribute::realm,
    Attribute::nonce,
    static_cast<Attribute>(0x0004),
    static_cast<Attribute>(0x0005),
};

BindingClient::Event outcome_of(const MessageView& m, const Path& path) {
  if (m.message_class() == Class::error_response) {
    const auto error = m.error_code();
    return error ? BindingFailed{path, error->code, std::string{error->reason}}
                 : BindingFailed{path, 0, "error response without an error code"};
  }
  // RFC 8489 section 6.3.3: a response with attributes that are not understood is a failure.
  std::array<std::uint16_t, 1> unknown{};
  if (m.unknown_required(kKnownInResponse, unknown) > 0) {
    return BindingFailed{path, 0, "response with unknown required attributes"};
  }
  const auto mapped = m.mapped_address();
  if (!mapped) return BindingFailed{path, 0, "response without a mapped address"};
  return Mapped{path, *mapped};
}

}  // namespace

void RetransmitTimer::note_sent(Timestamp now) {
  ++sends_;
  if (sends_ >= schedule_.max_sends) {
    deadline_ = now + schedule_.rto * schedule_.last_wait_factor;
    return;
  }
  deadline_ = now + wait_;
  wait_ *= 2;
}

Result<void> BindingClient::start(Timestamp at, const Path& path) {
  if (path.local.ip.family() != path.remote.ip.family() || path.remote.port == 0) {
    return Error{Errc::invalid_argument, "STUN server of another family or without a port"};
  }
  if (transactions_.size() >= config_.max_transactions) {
    return Error{Errc::queue_full, "too many STUN transactions"};
  }
  transactions_.push_back(
      {path, make_transaction_id(*random_), RetransmitTimer{config_.schedule, at}});
  return {};
}

bool BindingClient::handle_response(Timestamp, const Path& path, Bytes datagram) {
  const auto m = MessageView::parse(datagram);
  if (!m || m->method() != Method::binding || m->check_fingerprint() == Verdict::wrong) {
    return false;
  }
  if (m->message_class() != Class::success_response &&
      m->message_class() != Class::error_response) {
    return false;
  }
  const auto is_asked = [&](const Transaction& t) {
    return t.id == m->transaction_id() && t.path == path && t.timer.sends() > 0;
  };
  const auto found = std::find_if(transactions_.begin(), transactions_.end(), is_asked);
  if (found == transactions_.end()) return false;
  events_.emplace_back(outcome_of(*m, path));
  transactions_.erase(found);
  return true;
}

bool BindingClient::awaits(const TransactionId& id) const {
  return std::any_of(transactions_.begin(), transactions_.end(),
                     [&](const Transaction& t) { return t.id == id; });
}

void BindingClient::handle_timeout(Timestamp now) {
  for (auto t = transactions_.begin(); t != transactions_.end();) {
    if (!t->timer.has_failed(now)) {
      ++t;
      continue;
    }
    events_.emplace_back(BindingFailed{t->path, 0, "no answer"});
    t = transactions_.erase(t);
  }
}

std::optional<Transmit> BindingClient::poll_transmit(Timestamp now, MutableBytes storage) {
  for (Transaction& t : transactions_) {
    if (!t.timer.send_is_due(now)) continue;
    t.timer.note_sent(now);
    MessageWriter out{storage, Class::request, Method::binding, t.id};
    if (!config_.software.empty()) out.add_text(Attribute::software, config_.software);
    out.add_fingerprint();
    const Bytes message = out.finish();
    if (!message.empty()) return Transmit{t.path, message};
  }
  return std::nullopt;
}

std::optional<BindingClient::Event> BindingClient::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Timestamp BindingClient::next_timeout() const {
  Timestamp next = kNever;
  for (const Transaction& t : transactions_) next = std::min(next, t.timer.deadline());
  return next;
}

}  // namespace parley::stun
