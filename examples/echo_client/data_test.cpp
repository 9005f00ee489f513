#include "echo_client/data_test.hpp"

#include <cstdio>
#include <string_view>

namespace echo_client {
namespace {

using namespace parley;

/// Up to what every stack takes: RFC 8841 section 6.1 has 64 KiB as the default.
constexpr std::size_t kLengths[] = {4, 1, 1000, 1200, 16'384, 60'000};
constexpr int kShortTexts = 100;

}  // namespace

DataTest::DataTest(Driver& driver, const Options& options) : Call(driver, options) {
  for (const std::size_t length : kLengths) {
    for (const MessageKind kind : {MessageKind::text, MessageKind::binary}) {
      Sample sample{kind, std::vector<std::uint8_t>(length)};
      for (std::size_t i = 0; i < length; ++i)
        sample.data[i] = static_cast<std::uint8_t>(kind == MessageKind::text ? 'a' + i % 26 : i);
      samples_.push_back(std::move(sample));
    }
  }
  for (int i = 0; i < kShortTexts; ++i) {
    const std::string text = "message " + std::to_string(i);
    samples_.push_back({MessageKind::text, {text.begin(), text.end()}});
  }
}

Result<void> DataTest::prepare(PeerConnection& connection) {
  auto channel = connection.create_data_channel("echo");
  if (!channel) return channel.error();
  channel_ = *channel;
  channel_->on_open([this] {
    first_sent_ = driver().now();
    send_all();
  });
  channel_->on_writable([this] { send_all(); });
  channel_->on_message([this](DataMessage& message) { handle_message(message); });
  channel_->on_close([this](std::string_view reason) {
    finish("the channel was closed: " + (reason.empty() ? progress() : std::string(reason)));
  });
  return {};
}

void DataTest::send_all() {
  for (; sent_ < samples_.size(); ++sent_) {
    const Sample& sample = samples_[sent_];
    const std::string_view text{reinterpret_cast<const char*>(sample.data.data()),
                                sample.data.size()};
    const auto sent = sample.kind == MessageKind::text ? channel_->send(text)
                                                       : channel_->send(Bytes{sample.data});
    if (!sent && sent.error().code == Errc::queue_full) return;
    if (!sent) return finish("a message could not be sent: " + sent.error().to_string());
  }
}

void DataTest::handle_message(const DataMessage& message) {
  if (returned_ == samples_.size()) return finish("more messages came back than were sent");
  const Sample& sample = samples_[returned_];
  if (message.data != sample.data)
    return finish("message " + std::to_string(returned_ + 1) + " of " +
                  std::to_string(samples_.size()) + " came back with another content");
  if (message.kind != sample.kind) ++other_kind_;
  if (++returned_ == 1) round_trip_ = driver().now() - first_sent_;
  if (returned_ == samples_.size()) finish({});
}

std::string DataTest::progress() const {
  return std::to_string(returned_) + " of " + std::to_string(samples_.size()) +
         " messages came back";
}

std::string DataTest::measured() const {
  char text[48];
  std::snprintf(text, sizeof text, ", the first after %.1f ms", to_milliseconds(round_trip_));
  std::string all = progress() + text;
  if (other_kind_ > 0)
    all += ", " + std::to_string(other_kind_) + " of them with text and bytes confused";
  return all;
}

}  // namespace echo_client
