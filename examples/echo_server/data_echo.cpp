#include "echo_server/data_echo.hpp"

#include <utility>

namespace echo_server {

using namespace parley;

void DataEcho::attach(const DataChannel& channel) {
  const std::shared_ptr<DataEcho> echo{new DataEcho{channel}};
  echo->channel_.set_buffered_amount_low_threshold(kLow);
  echo->channel_.on_message([echo](DataMessage& message) { echo->handle_message(message); });
  echo->channel_.on_writable([echo] { echo->go_on(); });
  echo->channel_.on_buffered_amount_low([echo] { echo->go_on(); });
}

Result<void> DataEcho::send(DataMessage& message) {
  if (message.is_text()) return channel_.send(message.text());
  return channel_.send(std::move(message.data));
}

void DataEcho::handle_message(DataMessage& message) {
  const auto sent = send(message);
  // Above what the peer takes, or the channel is closing: there is no way to echo this one.
  if (!sent && sent.error().code != Errc::queue_full) return channel_.close();
  if (!sent) waiting_ = std::move(message);
  if (waiting_ || channel_.buffered_amount() > kHigh) channel_.pause();
}

void DataEcho::go_on() {
  if (waiting_) {
    const auto sent = send(*waiting_);
    if (!sent && sent.error().code == Errc::queue_full) return;
    if (!sent) return channel_.close();
    waiting_.reset();
  }
  if (channel_.buffered_amount() <= kLow) channel_.resume();
}

}  // namespace echo_server
