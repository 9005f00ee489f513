#include "data_end.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "parley/io/udp_driver.hpp"
#include "parley/peer_connection.hpp"

namespace bench {
namespace {

using namespace parley;

/// What the sender keeps waiting in the channel: a path of 1 Gbit/s and 30 ms, and always some
/// messages.
constexpr std::size_t kKeepBuffered = 4 * 1024 * 1024;
constexpr Duration kPingInterval = 20ms;

template <class T>
T must(Result<T> result) {
  if (!result) give_up("data_bench", result.error().to_string());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
std::string must(std::optional<std::string> text) {
  if (!text) give_up("data_bench", "the other process is gone");
  return std::move(*text);
}

/// A connection on an event loop of one thread, signalling whole descriptions.
class End {
 public:
  explicit End(const Transfer& wanted) : transfer(wanted), driver_(context_) {
    Configuration config;
    config.network.include_loopback = true;
    config.network.bind_addresses = {IpAddress::loopback(AddressFamily::ipv4)};
    if (transfer.mtu != 0) config.network.mtu = transfer.mtu;
    pc = must(PeerConnection::create(driver_, config));
    pc->on_connection_state_change([this](ConnectionState state) {
      if (state == ConnectionState::failed) give_up("data_bench", pc->failure_reason());
    });
  }

  /// The local description with all of its candidates.
  std::string describe() {
    must(pc->set_local_description());
    while (pc->ice_gathering_state() != IceGatheringState::complete) context_.run_one();
    return pc->local_description()->sdp;
  }
  void run() { context_.run(); }
  /// Lets close_notify out and ends `run`.
  void stop() {
    pc->close();
    context_.stop();
  }
  Driver& driver() { return driver_; }

  const Transfer transfer;
  std::unique_ptr<PeerConnection> pc;

 private:
  asio::io_context context_{1};
  io::UdpDriver driver_;
};

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

class Sender {
 public:
  Sender(const Transfer& transfer, Pipe pipe)
      : end_(transfer), pipe_(std::move(pipe)), message_(transfer.message_size, 0x5A) {
    bulk_ = must(end_.pc->create_data_channel("bulk", {.ordered = transfer.ordered}));
    ping_ = must(end_.pc->create_data_channel("ping"));
    const std::size_t keep = std::max(kKeepBuffered, 4 * transfer.message_size);
    bulk_->set_buffered_amount_low_threshold(keep / 2);
    bulk_->on_open([this] { begin(); });
    bulk_->on_buffered_amount_low([this] { fill(); });
    bulk_->on_writable([this] { fill(); });
    ping_->on_message([this](DataMessage& message) { take_pong(message); });
    keep_ = keep;
  }

  void run() {
    pipe_.write(end_.describe());
    must(end_.pc->set_remote_description({SdpType::answer, must(pipe_.read())}));
    end_.run();
  }

 private:
  void begin() {
    cpu_at_begin_ = cpu_seconds();
    const Timestamp now = end_.driver().now();
    end_.driver().post_at(now + from_seconds(end_.transfer.seconds), [this] { finish(); });
    fill();
    ping();
  }

  void fill() {
    while (!finished_ && bulk_->buffered_amount() < keep_ && bulk_->send(Bytes{message_})) {
    }
  }

  void ping() {
    if (finished_) return;
    const Timestamp now = end_.driver().now();
    std::uint8_t bytes[sizeof now];
    std::memcpy(bytes, &now, sizeof now);
    (void)ping_->send(Bytes{bytes}).has_value();  // before it is open there is nothing to measure
    end_.driver().post_at(now + kPingInterval, [this] { ping(); });
  }

  void take_pong(const DataMessage& message) {
    Timestamp sent;
    if (message.data.size() != sizeof sent) return;
    std::memcpy(&sent, message.data.data(), sizeof sent);
    round_trips_.push_back(to_milliseconds(end_.driver().now() - sent));
  }

  void finish() {
    finished_ = true;
    const nlohmann::json result = {{"cpuSeconds", cpu_seconds() - cpu_at_begin_},
                                   {"pings", round_trips_.size()},
                                   {"pingP50Ms", percentile(round_trips_, 0.50)},
                                   {"pingP95Ms", percentile(round_trips_, 0.95)}};
    pipe_.write(result.dump());
    must(pipe_.read());  // until the receiver has counted
    end_.stop();
  }

  End end_;
  Pipe pipe_;
  std::vector<std::uint8_t> message_;
  std::optional<DataChannel> bulk_, ping_;
  std::size_t keep_ = 0;
  double cpu_at_begin_ = 0;
  std::vector<double> round_trips_;
  bool finished_ = false;
};

class Receiver {
 public:
  Receiver(const Transfer& transfer, Pipe pipe) : end_(transfer), pipe_(std::move(pipe)) {
    end_.pc->on_data_channel([this](DataChannel channel) {
      if (channel.label() == "bulk") {
        channel.on_message([this](DataMessage& message) { count(message); });
      } else {
        channel.on_message([channel](DataMessage& message) mutable {
          (void)channel.send(Bytes{message.data}).has_value();
        });
      }
    });
  }

  void run() {
    must(end_.pc->set_remote_description({SdpType::offer, must(pipe_.read())}));
    pipe_.write(end_.describe());
    end_.run();
  }

 private:
  void count(const DataMessage& message) {
    if (finished_) return;
    const Timestamp now = end_.driver().now();
    if (messages_ == 0) {
      first_ = now;
      cpu_at_begin_ = cpu_seconds();
      end_.driver().post_at(now + from_seconds(end_.transfer.seconds), [this] { finish(); });
    }
    ++messages_;
    bytes_ += message.data.size();
    if (message.data.size() != end_.transfer.message_size) ++wrong_;
  }

  void finish() {
    finished_ = true;
    const double elapsed = to_seconds(end_.driver().now() - first_);
    const nlohmann::json result = {{"cpuSeconds", cpu_seconds() - cpu_at_begin_},
                                   {"elapsedSeconds", elapsed},
                                   {"messages", messages_},
                                   {"bytes", bytes_},
                                   {"wrongLength", wrong_}};
    pipe_.write(result.dump());
    must(pipe_.read());
    end_.stop();
  }

  End end_;
  Pipe pipe_;
  Timestamp first_{};
  double cpu_at_begin_ = 0;
  std::uint64_t messages_ = 0, bytes_ = 0, wrong_ = 0;
  bool finished_ = false;
};

}  // namespace

void run_sender(const Transfer& transfer, Pipe pipe) { Sender{transfer, std::move(pipe)}.run(); }
void run_receiver(const Transfer& transfer, Pipe pipe) {
  Receiver{transfer, std::move(pipe)}.run();
}

}  // namespace bench
