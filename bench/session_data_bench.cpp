// Data channels through whole sessions, DTLS included and sockets not: what a byte, a message and
// an open channel cost both ends together.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "alloc_counter.hpp"
#include "parley/session.hpp"

using namespace parley;

namespace {

[[noreturn]] void stop(const char* why) {
  std::fprintf(stderr, "session_data_bench: %s\n", why);
  std::abort();
}

std::shared_ptr<const dtls::Identity> shared_identity() {
  static const auto identity = [] {
    SeededRandom random{1};
    const std::chrono::sys_seconds day{std::chrono::hours{24 * 20'000}};
    return *dtls::Identity::create({.not_before = day, .not_after = day + std::chrono::hours{24}},
                                   random);
  }();
  return identity;
}

/// Two sessions with one open channel, whose datagrams arrive at once, on a virtual clock.
class Pair {
 public:
  explicit Pair(std::uint64_t seed) : random_(seed) {
    a_.address = {IpAddress::v4(10, 0, 0, 1), 5000};
    b_.address = {IpAddress::v4(10, 0, 0, 2), 5000};
    for (End* end : {&a_, &b_}) {
      SessionConfig config;
      config.identity = shared_identity();
      config.negotiation = jsep::default_config();
      auto made = Session::create(now_, std::move(config), random_);
      if (!made) stop("no session");
      end->session = std::move(*made);
    }
    const auto opened = a_.session->open_channel(now_, {.label = "bench"});
    if (!opened) stop("no channel");
    channel_ = *opened;
    const auto offer = a_.session->create_offer();
    if (!offer || !a_.session->set_local_description(now_, *offer)) stop("no offer");
    if (!b_.session->set_remote_description(now_, *offer)) stop("offer refused");
    const auto answer = b_.session->create_answer();
    if (!answer || !b_.session->set_local_description(now_, *answer) ||
        !a_.session->set_remote_description(now_, *answer)) {
      stop("no answer");
    }
    for (End* end : {&a_, &b_}) {
      if (!end->session->add_local_socket(now_, end->address,
                                          {.name = "e", .address = end->address.ip})) {
        stop("no socket");
      }
      end->session->end_of_local_sockets(now_);
    }
    for (int turns = 0; !open_; ++turns) {
      if (turns > 1000) stop("not open");
      settle();
      step();
    }
  }

  /// Sends messages of `size` bytes until `bytes` more have arrived.
  void transfer(std::size_t size, std::uint64_t bytes) {
    message_.resize(size, 0x55);
    const std::uint64_t end = received_ + bytes;
    while (received_ < end) {
      // As an application keeps a megabyte in the buffer.
      while (sent_ < end && sent_ - received_ < 1024 * 1024) {
        if (!a_.session->send(now_, channel_, sctp::MessageKind::binary, Bytes{message_})) break;
        sent_ += size;
      }
      settle();
      step();
    }
  }

  std::uint64_t datagrams() const { return datagrams_; }
  std::uint64_t messages() const { return messages_; }

 private:
  struct End {
    std::unique_ptr<Session> session;
    SocketAddress address;
  };

  void step() { now_ += 100us; }

  // Timers, datagrams and events until both are at rest.
  void settle() {
    for (bool busy = true; busy;) {
      busy = false;
      for (auto [from, to] : {std::pair{&a_, &b_}, std::pair{&b_, &a_}}) {
        if (from->session->next_timeout() <= now_) from->session->handle_timeout(now_);
        while (const auto sent = from->session->poll_transmit(now_, storage_)) {
          busy = true;
          ++datagrams_;
          to->session->handle_datagram(now_, {to->address, from->address},
                                       MutableBytes{storage_}.first(sent->datagram.size()));
        }
        while (auto event = from->session->poll_event()) take(*from, *to, *event);
      }
    }
  }

  void take(End& end, End& peer, SessionEvent& event) {
    if (auto* message = std::get_if<event::DataReceived>(&event)) {
      received_ += message->data.size();
      ++messages_;
      end.session->recycle(std::move(message->data));
    } else if (std::holds_alternative<event::DataChannelOpened>(event)) {
      open_ = true;
    } else if (const auto* gathered = std::get_if<event::CandidateGathered>(&event)) {
      (void)peer.session->add_ice_candidate(now_, gathered->candidate).has_value();
    }
  }

  SeededRandom random_;
  Timestamp now_{1000s};
  End a_, b_;
  sctp::ChannelHandle channel_;
  bool open_ = false;
  std::vector<std::uint8_t> message_;
  std::uint64_t sent_ = 0, received_ = 0, messages_ = 0, datagrams_ = 0;
  alignas(8) std::array<std::uint8_t, kMaxDatagramSize> storage_;
};

// Messages of `range(0)` bytes, reliable and ordered. Bytes are those of messages; the time is that
// of both ends.
void BM_Transfer(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::uint64_t chunk = std::max<std::uint64_t>(size * 16, 256 * 1024);
  Pair pair{2};
  pair.transfer(size, 8 * chunk);  // windows and buffers have their size
  const std::uint64_t datagrams = pair.datagrams();
  const std::uint64_t messages = pair.messages();
  const bench::AllocationCounter allocations;
  for (auto _ : state) pair.transfer(size, chunk);
  const auto count = static_cast<double>(pair.datagrams() - datagrams);
  const auto bytes = static_cast<double>(state.iterations()) * static_cast<double>(chunk);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.SetItemsProcessed(static_cast<std::int64_t>(pair.messages() - messages));
  state.counters["allocs_per_datagram"] = static_cast<double>(allocations.count()) / count;
  state.counters["bytes_per_datagram"] = bytes / count;
  state.counters["cpu_s_per_GB"] =
      benchmark::Counter(bytes / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Transfer)->Arg(64)->Arg(1024)->Arg(65'536)->Arg(262'144);

}  // namespace
