// Numbers that begin again: TSN (32 bits), SSN (16 bits), MID (32 bits), and reset requests (32).
#include <set>

#include "sctp/association_impl.hpp"
#include "sctp/packet.hpp"
#include "sctp/reassembly.hpp"
#include "sctp/send_queue.hpp"
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

// Tags and first TSNs are all the same, a little before the wrap.
class NearTheWrap final : public Random {
 public:
  void fill(MutableBytes out) override {
    std::fill(out.begin(), out.end(), std::uint8_t{0xff});
    if (!out.empty()) out.back() = 0xf0;
  }
};

// Two associations next to each other, with every nth packet lost.
std::vector<Message> carry(Config config, std::size_t messages, std::size_t size, int lose_every) {
  NearTheWrap random;
  Timestamp now{1000s};
  Association a{config, random, now};
  Association b{config, random, now};
  a.connect(now);
  std::vector<Message> out;
  std::array<std::uint8_t, 1500> storage{};
  std::size_t sent = 0;
  int packets = 0;
  for (int step = 0; step < 200'000 && out.size() < messages; ++step) {
    while (sent < messages && a.send(now, StreamId{1}, 53, pattern(size, sent))) ++sent;
    while (const auto p = a.poll_transmit(now, storage)) {
      if (lose_every == 0 || ++packets % lose_every != 0) b.handle_packet(now, *p);
    }
    while (const auto p = b.poll_transmit(now, storage)) a.handle_packet(now, *p);
    while (auto e = b.poll_event()) {
      if (auto* m = std::get_if<Message>(&*e)) out.push_back(std::move(*m));
    }
    while (a.poll_event()) {
    }
    now += 1ms;
    if (a.next_timeout() <= now) a.handle_timeout(now);
    if (b.next_timeout() <= now) b.handle_timeout(now);
  }
  return out;
}

DataChunk part(std::uint32_t mid, std::uint32_t fragment, bool begin, bool end, Bytes payload,
               bool unordered = false) {
  DataChunk c;
  c.format = DataFormat::i_data;
  c.stream = 1;
  c.number = mid;
  c.fragment = fragment;
  c.begin = begin;
  c.end = end;
  c.unordered = unordered;
  c.payload = payload;
  return c;
}

// Has a receiver expect `next` on stream 1. Numbers are told apart within half their circle, so it
// takes three steps.
void expect_next(Reassembly& receiver, DataFormat format, std::uint32_t next) {
  Ring<Message> none;
  for (const std::uint32_t number : {next / 3, next / 3 * 2, next - 1}) {
    std::vector<SkippedMessage> skipped{{1, false, number}};
    if (format == DataFormat::i_data) skipped.push_back({1, true, number});
    std::vector<std::uint8_t> bytes(4 + ForwardTsnChunk::entry_size(format) * skipped.size());
    write_forward_tsn(bytes, format, 1, skipped);
    receiver.skip(*ForwardTsnChunk::parse({ForwardTsnChunk::type_of(format), 0, bytes, bytes}), 1,
                  none);
  }
}

// Two peers that are connected, with the next TSN, the next number of stream 1 and that of the next
// reset request 16 before their wraps.
struct PeersNearTheWrap : TwoPeers {
  explicit PeersNearTheWrap(bool interleaving, PathOptions options = {}, std::uint64_t seed = 1)
      : TwoPeers({}, {}, std::move(options), seed) {
    Config config;
    config.interleaving = interleaving;
    config.zero_checksum = false;
    for (Side* s : {&a, &b}) s->association = std::make_unique<Association>(config, numbers, now);
    connect();
    run_for(20s);  // on a path that loses much
    const DataFormat format = interleaving ? DataFormat::i_data : DataFormat::data;
    const std::uint32_t next = interleaving ? 0xffff'fff0U : 0xfff0U;
    OutgoingStream& stream = send_queue_of(*a.association).stream(1);
    stream.next_ordered = stream.next_unordered = next;
    expect_next(reassembly_of(*b.association), format, next);
  }
  void send(std::uint32_t number, const SendOptions& options, std::size_t size = 100) {
    std::vector<std::uint8_t> data = pattern(size, number);
    store_be32(data.data(), number);
    REQUIRE(a.association->send(now, StreamId{1}, 53, std::move(data), options));
  }
  NearTheWrap numbers;
};

// A receiver whose stream 1 expects message 0xfffffffe.
struct LateReceiver {
  LateReceiver() { expect_next(reassembly, DataFormat::i_data, 0xffff'fffe); }
  void take(const DataChunk& c) {
    CHECK(reassembly.take(c, ++tsn, out) == Reassembly::Outcome::taken);
  }
  Reassembly reassembly{DataFormat::i_data, {100'000, 100}};
  Ring<Message> out;
  std::int64_t tsn = 10;
};
}  // namespace

TEST_CASE("a transfer goes on across the wrap of the TSN", "[sctp][rfc9260][wrap]") {
  for (const bool interleaving : {false, true}) {
    for (const int lose_every : {0, 5}) {
      Config config;
      config.interleaving = interleaving;
      const auto out = carry(config, 200, 3000, lose_every);
      REQUIRE(out.size() == 200);
      for (std::size_t i = 0; i < out.size(); ++i) REQUIRE(out[i].data == pattern(3000, i));
    }
  }
}

TEST_CASE("a stream goes on across the wrap of the SSN", "[sctp][rfc9260][wrap]") {
  Config config;
  config.interleaving = false;
  const auto out = carry(config, 66'000, 4, 50);
  REQUIRE(out.size() == 66'000);
  for (std::size_t i = 65'500; i < out.size(); ++i) REQUIRE(out[i].data == pattern(4, i));
}

TEST_CASE("a receiver goes on across the wrap of the MID", "[sctp][rfc8260][wrap]") {
  LateReceiver r;
  const std::vector<std::uint8_t> x(10, 1);
  // Message 0 comes first and waits; 1 is in two parts, the second first.
  r.take(part(0, 0, true, true, x));
  r.take(part(1, 1, false, true, x));
  r.take(part(0xffff'ffff, 0, true, true, x));
  CHECK(r.out.empty());
  r.take(part(0xffff'fffe, 0, true, true, x));
  CHECK(r.out.size() == 3);
  r.take(part(1, 0, true, false, x));
  REQUIRE(r.out.size() == 4);
  CHECK(r.out[3].data.size() == 20);
  CHECK(r.reassembly.take(part(0xffff'ffff, 0, true, true, x), 100, r.out) ==
        Reassembly::Outcome::old);
  CHECK(r.reassembly.held() == 0);
}

TEST_CASE("unordered messages go on across the wrap of the MID", "[sctp][rfc8260][wrap]") {
  LateReceiver r;
  const std::vector<std::uint8_t> x(10, 1);
  r.take(part(0, 1, false, true, x, true));
  r.take(part(0xffff'fffe, 0, true, false, x, true));
  r.take(part(0, 0, true, false, x, true));
  r.take(part(0xffff'fffe, 1, false, true, x, true));
  CHECK(r.out.size() == 2);
  CHECK(r.reassembly.held() == 0);
}

TEST_CASE("a sender goes on across the wrap of the MID", "[sctp][rfc8260][wrap]") {
  MessagePool pool;
  SendQueue queue{pool};
  queue.set_interleaving(true);
  queue.stream(1).next_ordered = queue.stream(1).next_unordered = 0xffff'fffe;
  for (const bool unordered : {false, true}) {
    for (const std::uint32_t expected : {0xffff'fffeU, 0xffff'ffffU, 0U, 1U}) {
      const MessageIndex at = pool.take();
      pool[at].data.assign(100, 1);
      pool[at].stream = 1;
      pool[at].unordered = unordered;
      queue.push(at);
      REQUIRE(queue.peek() == at);
      queue.take(60);
      CHECK(pool[at].number == expected);
      REQUIRE(queue.peek() == at);
      queue.take(60);
      CHECK(pool[at].number == expected);
      CHECK(queue.empty());
    }
  }
}

TEST_CASE("an association skips and resets across the wrap of all its numbers",
          "[sctp][rfc3758][rfc8260][rfc6525][wrap]") {
  PeersNearTheWrap peers{GENERATE(true, false)};
  SendOptions kept;
  kept.ordered = GENERATE(true, false);
  SendOptions once = kept;
  once.max_retransmits = 0;
  std::set<std::uint32_t> forwards;
  peers.watch = [&](bool, const TwoPeers::Packet& bytes) {
    ChunkReader chunks{Packet::parse(bytes)->chunks};
    while (const auto chunk = chunks.next()) {
      if (chunk->type != ChunkType::forward_tsn && chunk->type != ChunkType::i_forward_tsn)
        continue;
      forwards.insert(ForwardTsnChunk::parse(*chunk)->cumulative_tsn);
    }
  };
  std::uint32_t number = 0;
  for (; number < 10; ++number) peers.send(number, kept);
  peers.run_for(1s);
  // Twenty messages with the wrap among them are lost and abandoned.
  peers.path.outages = {{peers.now - peers.start, peers.now - peers.start + 20ms}};
  for (; number < 30; ++number) peers.send(number, once);
  peers.run_for(50ms);
  for (; number < 50; ++number) peers.send(number, kept);
  peers.run_for(5s);
  CHECK(forwards == std::set<std::uint32_t>{13});
  REQUIRE(peers.b.messages.size() == 30);
  for (std::uint32_t i = 0; i < 30; ++i) {
    CHECK(load_be32(peers.b.messages[i].data.data()) == (i < 10 ? i : i + 20));
  }
  // Each of its own request.
  for (int round = 1; round <= 20; ++round) {
    REQUIRE(peers.a.association->reset_streams(peers.now, {StreamId{1}}));
    peers.run_for(500ms);
    CHECK(peers.a.count<OutgoingStreamsReset>() == round);
    CHECK(peers.b.count<IncomingStreamsReset>() == round);
    peers.send(number++, kept);
    peers.run_for(500ms);
    REQUIRE(peers.b.messages.size() == 30U + static_cast<std::size_t>(round));
  }
}

TEST_CASE("abandoned and kept messages mix across the wrap of all numbers",
          "[sctp][rfc3758][rfc8260][wrap]") {
  const bool interleaving = GENERATE(true, false);
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 9)));
  PathOptions path;
  path.loss = 0.15;
  path.jitter = 15ms;
  path.duplicate = 0.05;
  PeersNearTheWrap peers{interleaving, path, seed};
  SeededRandom random{seed};
  std::set<std::uint32_t> reliable;
  std::set<std::uint32_t> ordered;
  for (std::uint32_t i = 0; i < 60; ++i) {
    SendOptions options;
    options.ordered = random.below(2) == 0;
    const std::uint32_t kind = random.below(3);
    if (kind == 0) reliable.insert(i);
    if (kind == 1) options.max_retransmits = random.below(2);
    if (kind == 2) options.lifetime = Duration{1000 * (1 + random.below(100))};
    if (options.ordered) ordered.insert(i);
    peers.send(i, options, 4 + random.below(3000));
    peers.run_for(Duration{1000 * random.below(20)});
  }
  peers.run_for(60s);
  std::int64_t last_ordered = -1;
  std::set<std::uint32_t> arrived;
  for (const Message& m : peers.b.messages) {
    const std::uint32_t number = load_be32(m.data.data());
    CHECK(arrived.insert(number).second);
    reliable.erase(number);
    if (ordered.count(number) == 0) continue;
    CHECK(last_ordered < std::int64_t{number});
    last_ordered = number;
  }
  CHECK(reliable.empty());
  CHECK(peers.a.association->stats().messages_abandoned > 0);
  CHECK(peers.a.association->stats().buffered == 0);
  CHECK(peers.b.association->stats().local_window == Config{}.receive_window);
}
