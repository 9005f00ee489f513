#include "echo_server/data_echo.hpp"

#include <utility>

namespace echo_server {

using namespace parley;

void DataEcho::attach(const DataChannel& channel) {
  const std::shared_ptr<DataEcho> echo{new DataEcho{channel}};
  echo->channel_.on_message([echo](DataMessage& message) { echo->handle_message(message); });
  echo->channel_.on_writable([echo] { echo->send_waiting(); });
}

Result<void> DataEcho::send(DataMessage& message) {
  if (message.is_text()) return channel_.send(message.text());
  return channel_.send(std::move(message.data));
}

void DataEcho::handle_message(DataMessage& message) {
  if (waiting_.empty()) {
    const auto sent = send(message);
    if (sent) return;
    // Above what the peer takes, or the channel is closing: there is no way to echo this one.
    if (sent.error().code != Errc::queue_full) return channel_.close();
  }
  waiting_bytes_ += message.data.size();
  waiting_.push_back(std::move(message));
  if (waiting_bytes_ > kMaxWaiting) channel_.close();
}

void DataEcho::send_waiting() {
  while (!waiting_.empty()) {
    const std::size_t size = waiting_.front().data.size();
    const auto sent = send(waiting_.front());
    if (!sent && sent.error().code == Errc::queue_full) return;
    if (!sent) return channel_.close();
    waiting_bytes_ -= size;
    waiting_.pop_front();
  }
}

}  // namespace echo_server
