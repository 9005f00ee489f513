#include "channels.hpp"

#include <algorithm>
#include <utility>

namespace interop {

using namespace parley;

namespace {

DataMessage message_of(std::size_t number, std::size_t size, bool text) {
  DataMessage message{.kind = text ? MessageKind::text : MessageKind::binary};
  message.data.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    message.data[i] =
        static_cast<std::uint8_t>(text ? 'a' + (i * 7 + number) % 26 : i * 31 + number);
  }
  return message;
}

}  // namespace

TestChannel::TestChannel(DataChannel channel, bool echoes)
    : channel_(std::move(channel)), label_(channel_.label()), echoes_(echoes) {
  channel_.on_message([this](DataMessage& message) {
    if (echoes_) {
      send(std::move(message));
    } else {
      received_.push_back(std::move(message));
    }
  });
  channel_.on_writable([this] { flush(); });
  channel_.on_close([this](std::string_view reason) {
    closed_ = true;
    reason_ = reason;
  });
}

TestChannel::~TestChannel() {
  channel_.on_message({});
  channel_.on_writable({});
  channel_.on_close({});
}

void TestChannel::talk(const std::vector<std::size_t>& sizes, bool text) {
  sent_.clear();
  received_.clear();
  for (std::size_t number = 0; number < sizes.size(); ++number) {
    sent_.push_back(message_of(number, sizes[number], text));
    send(sent_.back());
  }
}

json TestChannel::compare() const {
  std::vector<const DataMessage*> left;
  for (const DataMessage& message : sent_) left.push_back(&message);
  int wrong = 0;
  int reordered = 0;
  for (const DataMessage& back : received_) {
    const auto at = std::ranges::find_if(left, [&back](const DataMessage* message) {
      return message->kind == back.kind && message->data == back.data;
    });
    if (at == left.end()) {
      ++wrong;
      continue;
    }
    if (at != left.begin()) ++reordered;
    left.erase(at);
  }
  return {{"sent", sent_.size()},
          {"back", received_.size()},
          {"wrong", wrong},
          {"reordered", reordered}};
}

void TestChannel::send(DataMessage message) {
  waiting_.push_back(std::move(message));
  flush();
}

void TestChannel::flush() {
  std::size_t done = 0;
  for (; done < waiting_.size(); ++done) {
    DataMessage& message = waiting_[done];
    const auto sent =
        message.is_text() ? channel_.send(message.text()) : channel_.send(std::move(message.data));
    if (!sent && sent.error().code == Errc::queue_full) break;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(done));
}

DataChannelInit channel_init_of(const json& request) {
  const json init = request.value("init", json::object());
  DataChannelInit result;
  result.ordered = init.value("ordered", true);
  if (init.contains("maxRetransmits")) {
    result.max_retransmits = init["maxRetransmits"].get<std::uint16_t>();
  }
  if (init.contains("maxPacketLifeTime")) {
    result.max_packet_lifetime = std::chrono::milliseconds{init["maxPacketLifeTime"].get<int>()};
  }
  result.protocol = init.value("protocol", "");
  result.negotiated = init.value("negotiated", false);
  if (init.contains("id")) result.id = init["id"].get<std::uint16_t>();
  return result;
}

}  // namespace interop
