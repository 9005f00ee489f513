// Whole sessions: what a packet costs from the encoded frame on one side to the encoded frame on
// the other, what a call costs per second, what a connection weighs, and what it costs to set up.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

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
#include "parley/peer_connection.hpp"
#include "parley/session.hpp"
#include "parley/sim/host.hpp"
#include "parley/sim/network.hpp"

using namespace parley;

namespace {

std::shared_ptr<const dtls::Identity> shared_identity() {
  static const auto identity = [] {
    SeededRandom random{1};
    const std::chrono::sys_seconds day{std::chrono::hours{24 * 20'000}};
    return *dtls::Identity::create({.not_before = day, .not_after = day + std::chrono::hours{24}},
                                   random);
  }();
  return identity;
}

[[noreturn]] void stop(const char* why) {
  std::fprintf(stderr, "session_bench: %s\n", why);
  std::abort();
}

/// Two sessions whose datagrams arrive at once, on a virtual clock. Media is encoded already, and
/// comes out encoded.
class Pair {
 public:
  explicit Pair(std::uint64_t seed, DataRate rate = DataRate::kilobits_per_second(1500))
      : random_(seed), rate_(rate) {
    for (End* end : {&a_, &b_}) {
      SessionConfig config;
      config.identity = shared_identity();
      config.negotiation = jsep::default_config();
      config.negotiation.data_channels = false;
      config.video.start_bitrate = config.video.min_bitrate = config.video.max_bitrate = rate;
      auto made = Session::create(now_, std::move(config), random_);
      if (!made) stop("no session");
      end->session = std::move(*made);
    }
    connect();
  }

  /// `duration` of a call: 30 pictures and 50 audio packets per second each way.
  void run(Duration duration) {
    for (const Timestamp end = now_ + duration; now_ < end; settle()) {
      now_ = std::min(
          {end, next_video_, next_audio_, a_.session->next_timeout(), b_.session->next_timeout()});
      if (now_ >= next_video_) send_video();
      if (now_ >= next_audio_) send_audio();
    }
  }

  std::uint64_t rtp_packets() const { return rtp_packets_; }
  std::uint64_t frames() const { return frames_; }
  Session& a() { return *a_.session; }
  Timestamp now() const { return now_; }

 private:
  struct End {
    std::unique_ptr<Session> session;
    SocketAddress address;
    TransceiverId audio, video;
    std::uint32_t ticks = 0;
    bool key_frame = true;
  };

  void connect() {
    a_.address = {IpAddress::v4(10, 0, 0, 1), 5000};
    b_.address = {IpAddress::v4(10, 0, 0, 2), 5000};
    a_.audio = a_.session->add_transceiver(MediaKind::audio, {});
    a_.video = a_.session->add_transceiver(MediaKind::video, {});
    const auto offer = a_.session->create_offer();
    if (!offer || !a_.session->set_local_description(now_, *offer)) stop("no offer");
    for (End* end : {&a_, &b_}) {
      if (end == &b_) negotiate_answer(*offer);
      if (!end->session->add_local_socket(now_, end->address,
                                          {.name = "e", .address = end->address.ip})) {
        stop("no socket");
      }
      end->session->end_of_local_sockets(now_);
    }
    settle();
    for (int turns = 0; a_.session->connection_state() != ConnectionState::connected ||
                        b_.session->connection_state() != ConnectionState::connected;
         ++turns) {
      if (turns > 1000) stop("not connected");
      now_ = std::max(now_ + 1ms, std::min(a_.session->next_timeout(), b_.session->next_timeout()));
      settle();
    }
    next_video_ = next_audio_ = now_;
  }

  void negotiate_answer(const SessionDescription& offer) {
    if (!b_.session->set_remote_description(now_, offer)) stop("offer refused");
    for (const auto& transceiver : b_.session->negotiation().transceivers) {
      (transceiver.kind == MediaKind::audio ? b_.audio : b_.video) = transceiver.id;
    }
    for (const TransceiverId id : {b_.audio, b_.video}) {
      if (!b_.session->set_direction(id, Direction::sendrecv)) stop("no direction");
    }
    const auto answer = b_.session->create_answer();
    if (!answer || !b_.session->set_local_description(now_, *answer) ||
        !a_.session->set_remote_description(now_, *answer)) {
      stop("no answer");
    }
  }

  void send_video() {
    next_video_ = now_ + 33'333us;
    const auto bytes = static_cast<std::size_t>(rate_.bits_per_second() / 8 / 30);
    for (End* end : {&a_, &b_}) {
      EncodedVideo frame{.data = std::vector<std::uint8_t>(bytes, 0x55),
                         .key_frame = std::exchange(end->key_frame, false),
                         .capture_time = now_,
                         .width = 640,
                         .height = 360};
      // RFC 6386 section 9.1: bit 0 of a frame is clear in key frames, which carry their size.
      constexpr std::array<std::uint8_t, 10> kKeyFrame = {0x10, 0,    0,    0x9D, 0x01,
                                                          0x2A, 0x80, 0x02, 0x68, 0x01};
      if (frame.key_frame) std::copy(kKeyFrame.begin(), kKeyFrame.end(), frame.data.begin());
      (void)end->session->send(now_, end->video, std::move(frame)).has_value();
    }
  }

  void send_audio() {
    next_audio_ = now_ + 20ms;
    for (End* end : {&a_, &b_}) {
      EncodedAudio packet{.data = std::vector<std::uint8_t>(80, 0x11)};
      (void)end->session->send(now_, end->audio, std::move(packet), end->ticks, now_, false)
          .has_value();
      end->ticks += 960;
    }
  }

  // Timers, datagrams and events until both are at rest.
  void settle() {
    for (bool busy = true; busy;) {
      busy = false;
      for (auto [from, to] : {std::pair{&a_, &b_}, std::pair{&b_, &a_}}) {
        if (from->session->next_timeout() <= now_) from->session->handle_timeout(now_);
        while (const auto sent = from->session->poll_transmit(now_, storage_)) {
          busy = true;
          if (is_rtp(sent->datagram)) ++rtp_packets_;
          // What was polled lies in the storage, and may be changed there.
          to->session->handle_datagram(now_, {to->address, from->address},
                                       MutableBytes{storage_}.first(sent->datagram.size()));
        }
        while (const auto event = from->session->poll_event()) take(*from, *to, *event);
      }
    }
  }

  static bool is_rtp(Bytes datagram) {
    // RFC 7983 section 7, and RFC 5761 section 4 for RTCP.
    return datagram[0] >= 128 && datagram[0] < 192 && !(datagram[1] >= 192 && datagram[1] < 224);
  }

  void take(End& end, End& peer, const SessionEvent& event) {
    if (std::holds_alternative<event::VideoReceived>(event)) ++frames_;
    if (std::holds_alternative<event::KeyFrameRequested>(event)) end.key_frame = true;
    if (const auto* gathered = std::get_if<event::CandidateGathered>(&event)) {
      (void)peer.session->add_ice_candidate(now_, gathered->candidate).has_value();
    }
  }

  SeededRandom random_;
  DataRate rate_;
  Timestamp now_{1000s};
  Timestamp next_video_ = kNever, next_audio_ = kNever;
  End a_, b_;
  std::uint64_t rtp_packets_ = 0;
  std::uint64_t frames_ = 0;
  alignas(8) std::array<std::uint8_t, kMaxDatagramSize> storage_;
};

// A second of a call in both directions at `range(0)` kbit/s of video: items are RTP packets, each
// sent and received, with everything that belongs to them: frames cut and put together, SRTP twice,
// feedback, reports, timers.
void BM_Call(benchmark::State& state) {
  Pair pair{2, DataRate::kilobits_per_second(state.range(0))};
  pair.run(3s);  // queues and tables have their size
  const std::uint64_t packets_before = pair.rtp_packets();
  const std::uint64_t frames_before = pair.frames();
  const bench::AllocationCounter allocations;
  for (auto _ : state) pair.run(1s);
  const auto packets = static_cast<double>(pair.rtp_packets() - packets_before);
  const auto frames = static_cast<double>(pair.frames() - frames_before);
  if (frames < 55.0 * static_cast<double>(state.iterations())) stop("frames are missing");
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
  state.counters["allocs_per_packet"] = static_cast<double>(allocations.count()) / packets;
  state.counters["packets_per_call_s"] = packets / static_cast<double>(state.iterations());
}
BENCHMARK(BM_Call)->Arg(1'500)->Arg(10'000)->Arg(50'000)->Unit(benchmark::kMillisecond);

// What the drain costs when there is nothing to do: once per session and turn of a driver.
void BM_IdlePoll(benchmark::State& state) {
  Pair pair{3};
  pair.run(1s);
  alignas(8) std::array<std::uint8_t, kMaxDatagramSize> storage;
  for (auto _ : state) {
    benchmark::DoNotOptimize(pair.a().poll_transmit(pair.now(), storage));
    benchmark::DoNotOptimize(pair.a().poll_event());
    benchmark::DoNotOptimize(pair.a().next_timeout());
  }
}
BENCHMARK(BM_IdlePoll);

struct Memory {
  double heap = 0;      ///< bytes asked of malloc by everybody, libraries included
  double resident = 0;  ///< bytes of memory that were ever touched
};

Memory memory_in_use() {
  const struct mallinfo2 info = mallinfo2();
  long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return {.heap = static_cast<double>(info.uordblks + info.hblkhd),
          .resident = static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE))};
}

// Bytes per connected session: idle (`range(0)` 0), or after that many seconds of a 1.5 Mbit/s
// call.
void BM_Memory(benchmark::State& state) {
  constexpr int kPairs = 20;
  Pair warm_up{4};  // what libraries allocate once
  for (auto _ : state) {
    const Memory before = memory_in_use();
    std::vector<std::unique_ptr<Pair>> pairs;
    for (std::uint64_t i = 0; i < kPairs; ++i) pairs.push_back(std::make_unique<Pair>(10 + i));
    for (const auto& pair : pairs) pair->run(std::chrono::seconds{state.range(0)});
    const Memory after = memory_in_use();
    state.counters["heap_bytes"] = (after.heap - before.heap) / (2 * kPairs);
    state.counters["resident_bytes"] = (after.resident - before.resident) / (2 * kPairs);
  }
}
BENCHMARK(BM_Memory)->Arg(0)->Arg(5)->Iterations(1)->Unit(benchmark::kMillisecond);

// Two PeerConnections on the simulator from creation to `connected`, with certificates of their own
// (`range(0)` 1) or one that is made beforehand. The time is the processor's for both ends.
void BM_SetUp(benchmark::State& state) {
  for (auto _ : state) {
    sim::Network network{5};
    sim::Host& left = network.add_host({.name = "a", .addresses = {IpAddress::v4(10, 0, 0, 1)}});
    sim::Host& right = network.add_host({.name = "b", .addresses = {IpAddress::v4(10, 0, 0, 2)}});
    network.connect(left, right, {.delay = 10ms});
    network.connect(right, left, {.delay = 10ms});
    Configuration config;
    if (state.range(0) == 0) config.identity = shared_identity();
    auto a = *PeerConnection::create(left, config);
    auto b = *PeerConnection::create(right, config);
    a->on_ice_candidate([&](const IceCandidate& c) { (void)b->add_ice_candidate(c).has_value(); });
    b->on_ice_candidate([&](const IceCandidate& c) { (void)a->add_ice_candidate(c).has_value(); });
    if (!a->add_transceiver(MediaKind::audio) || !a->add_transceiver(MediaKind::video)) {
      stop("no transceiver");
    }
    const auto offer = a->set_local_description();
    if (!offer || !b->set_remote_description(*offer)) stop("no offer");
    const auto answer = b->set_local_description();
    if (!answer || !a->set_remote_description(*answer)) stop("no answer");
    if (!network.run_until(
            [&] {
              return a->connection_state() == ConnectionState::connected &&
                     b->connection_state() == ConnectionState::connected;
            },
            10s)) {
      stop("not connected");
    }
  }
}
BENCHMARK(BM_SetUp)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
