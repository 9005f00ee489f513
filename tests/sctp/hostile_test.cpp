// A peer that passed DTLS and means no good: every bound of docs/sctp.md.
#include "sctp/data_chunk.hpp"
#include "sctp/forward_tsn_chunk.hpp"
#include "sctp/init_chunk.hpp"
#include "sctp/packet.hpp"
#include "sctp/reconfig_chunk.hpp"
#include "sctp/sack_chunk.hpp"
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

constexpr std::uint32_t kTag = 0x77777777;
constexpr std::uint32_t kFirstTsn = 1000;

// One association, and a peer made of bytes.
struct Victim {
  explicit Victim(const Config& config = {}) : association(config, random, now) {
    InitChunk init;
    init.initiate_tag = kTag;
    init.window = 1'000'000;
    init.outbound_streams = init.inbound_streams = 65'535;
    init.initial_tsn = kFirstTsn;
    init.forward_tsn = init.re_config = true;
    init.interleaving = config.interleaving;
    init.zero_checksum = true;
    interleaving = config.interleaving;
    std::vector<std::uint8_t> chunk(4 + init.value_size());
    chunk[0] = 1;
    store_be16(&chunk[2], static_cast<std::uint16_t>(chunk.size()));
    init.write_to(MutableBytes{chunk}.subspan(4));
    tag = load_be32(&association.local_init()[4]);
    REQUIRE(association.connect_with(now, chunk));
    (void)association.poll_event();
  }

  template <class Fill>
  void put(ChunkType type, std::uint8_t flags, std::size_t size, Fill fill) {
    std::vector<std::uint8_t> storage(65'000);
    PacketWriter out{storage, 5000, 5000, tag};
    fill(out.add(type, flags, size));
    const Bytes packet = out.finish(Checksum::crc32c);
    association.handle_packet(now, packet);
  }
  void data(std::uint32_t tsn, std::uint16_t stream, std::uint32_t number, bool begin, bool end,
            std::size_t size, std::uint32_t fragment = 0) {
    const std::vector<std::uint8_t> payload(size, 1);
    DataChunk chunk;
    chunk.format = interleaving ? DataFormat::i_data : DataFormat::data;
    chunk.tsn = tsn;
    chunk.stream = stream;
    chunk.number = number;
    chunk.begin = begin;
    chunk.end = end;
    chunk.fragment = fragment;
    chunk.ppid = 53;
    chunk.payload = payload;
    put(interleaving ? ChunkType::i_data : ChunkType::data, chunk.flags(), chunk.value_size(),
        [&](MutableBytes b) { chunk.write_to(b); });
  }
  int drain() {
    std::array<std::uint8_t, 1500> storage;
    int packets = 0;
    while (association.poll_transmit(now, storage) && packets < 10'000) ++packets;
    return packets;
  }
  std::optional<Closed> closed() {
    while (auto e = association.poll_event()) {
      if (const auto* c = std::get_if<Closed>(&*e)) return *c;
    }
    return std::nullopt;
  }

  Timestamp now{1000s};
  SeededRandom random{1};
  Association association;
  std::uint32_t tag = 0;
  bool interleaving = true;
};
}  // namespace

TEST_CASE("unfinished messages are held up to a bound and then end the association",
          "[sctp][hostile]") {
  Config config;
  config.receive_window = 100'000;
  config.max_receive_message = 50'000;
  Victim v{config};
  std::uint32_t tsn = kFirstTsn;
  std::size_t sent = 0;
  while (v.association.state() == State::established && sent < 10'000'000) {
    v.data(tsn, static_cast<std::uint16_t>(tsn % 4000), 0, true, false, 1000);
    ++tsn;
    sent += 1000;
    v.drain();
  }
  CHECK(sent < 500'000);
  REQUIRE(v.closed());
}

TEST_CASE("parts of one byte are charged what they cost", "[sctp][hostile]") {
  Config config;
  config.receive_window = 100'000;
  config.max_receive_message = 50'000;
  Victim v{config};
  std::uint32_t sent = 0;
  for (std::uint32_t i = 1; i < 60'000; ++i) {
    v.data(kFirstTsn + i, 1, i, false, false, 1, 5);  // the first TSN never comes
    ++sent;
    if (v.association.stats().drops.out_of_window > 100) break;
  }
  CHECK(sent < 4000);
  CHECK(v.association.state() == State::established);
}

TEST_CASE("a message that grows beyond the limit ends the association", "[sctp][hostile]") {
  const bool interleaving = GENERATE(true, false);
  Config config;
  config.max_receive_message = 10'000;
  config.interleaving = interleaving;
  Victim v{config};
  for (std::uint32_t i = 0; i < 12; ++i) v.data(kFirstTsn + i, 1, 0, i == 0, false, 1000, i);
  const auto closed = v.closed();
  REQUIRE(closed);
  CHECK(closed->cause == CloseCause::protocol_violation);
}

TEST_CASE("messages that nobody reads fill the bound and no more", "[sctp][hostile]") {
  Config config;
  config.receive_window = 100'000;
  config.max_receive_message = 50'000;
  Victim v{config};
  for (std::uint32_t i = 0; i < 3000; ++i) v.data(kFirstTsn + i, 1, i, true, true, 1000);
  CHECK(v.association.stats().local_window == 0);
  CHECK(v.association.stats().messages_received < 400);
  CHECK(v.association.stats().drops.out_of_window > 2000);
  CHECK(v.association.state() == State::established);
}

TEST_CASE("streams beyond the limit are acknowledged and dropped", "[sctp][hostile]") {
  Config config;
  config.max_inbound_streams = 50;
  Victim v{config};
  int messages = 0;
  for (std::uint32_t i = 0; i < 500; ++i) {
    v.data(kFirstTsn + i, static_cast<std::uint16_t>(i), 0, true, true, 10);
    v.drain();
    while (v.association.poll_event()) ++messages;
  }
  CHECK(messages == 50);
  CHECK(v.association.stats().drops.bad_stream == 450);
}

TEST_CASE("data far ahead is not taken", "[sctp][hostile]") {
  Victim v;
  v.data(kFirstTsn + 70'000, 1, 0, true, true, 10);
  v.data(kFirstTsn + 0x7FFFFFF0, 1, 0, true, true, 10);
  CHECK(v.association.stats().drops.out_of_window == 2);
}

TEST_CASE("a forward TSN beyond what can be outstanding is not taken", "[sctp][hostile]") {
  Victim v;
  const auto forward = [&v](std::uint32_t tsn, std::vector<SkippedMessage> skipped) {
    v.put(ChunkType::i_forward_tsn, 0, 4 + 8 * skipped.size(),
          [&](MutableBytes b) { write_forward_tsn(b, DataFormat::i_data, tsn, skipped); });
  };
  forward(kFirstTsn + 0x70000000, {});
  CHECK(v.association.stats().drops.out_of_window == 1);
  // A list of streams makes no state beyond the limit of streams.
  std::vector<SkippedMessage> many;
  for (std::uint16_t s = 0; s < 8000; ++s) many.push_back({s, false, 0x7FFFFFFF});
  forward(kFirstTsn + 1, many);
  CHECK(v.association.state() == State::established);
  v.data(kFirstTsn + 2, 7, 0, true, true, 10);  // a number that was passed
  CHECK(v.association.stats().drops.old_messages == 1);
  // The wrong kind of chunk for what was negotiated.
  v.put(ChunkType::forward_tsn, 0, 4,
        [&](MutableBytes b) { write_forward_tsn(b, DataFormat::data, kFirstTsn + 3, {}); });
  CHECK(v.association.stats().drops.malformed == 1);
}

TEST_CASE("a flood of reset requests gets short answers and makes no state", "[sctp][hostile]") {
  Victim v;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    std::vector<ChannelId> all(5000, ChannelId{1});
    v.put(ChunkType::re_config, 0, outgoing_reset_size(all.size()), [&](MutableBytes b) {
      write_outgoing_reset(b, kFirstTsn + 5 + i, 0, kFirstTsn + 500'000, all);
    });
  }
  CHECK(v.drain() < 3);
  // One that waits for data which never comes is remembered once.
  for (int i = 0; i < 100; ++i) {
    v.put(ChunkType::re_config, 0, outgoing_reset_size(1), [&](MutableBytes b) {
      write_outgoing_reset(b, kFirstTsn, 0, kFirstTsn + 5, {ChannelId{1}});
    });
  }
  CHECK_FALSE(v.association.poll_event());
  for (std::uint32_t i = 0; i < 6; ++i) v.data(kFirstTsn + i, 1, i, true, true, 10);
  int resets = 0;
  while (auto e = v.association.poll_event()) {
    if (std::holds_alternative<IncomingStreamsReset>(*e)) ++resets;
  }
  CHECK(resets == 1);
}

TEST_CASE("acknowledgements of what was never sent change nothing", "[sctp][hostile]") {
  Victim v;
  REQUIRE(v.association.send(v.now, StreamId{1}, 53, pattern(5000)));
  v.drain();
  v.now += 20ms;
  const auto in_flight = v.association.stats().in_flight;
  const std::uint32_t base = load_be32(&v.association.local_init()[16]) - 1;
  const auto sack = [&v](std::uint32_t tsn, std::vector<GapBlock> gaps) {
    v.put(ChunkType::sack, 0, SackChunk::kFixedSize + 4 * gaps.size(),
          [&](MutableBytes b) { write_sack(b, tsn, 1'000'000, gaps, {}); });
  };
  sack(base + 100, {});
  sack(base, {{2, 500}});
  sack(base, {{3, 2}});
  sack(base, {{2, 3}, {2, 3}});
  sack(base, {{0, 1}});
  sack(base - 5, {});
  CHECK(v.association.stats().in_flight == in_flight);
  // Taking back what a gap block said is allowed.
  sack(base, {{2, 3}});
  CHECK(v.association.stats().in_flight < in_flight);
  sack(base, {});
  CHECK(v.association.stats().in_flight == in_flight);
}

TEST_CASE("a window of zero is probed and does not spin", "[sctp][hostile]") {
  Victim v;
  const std::uint32_t base = load_be32(&v.association.local_init()[16]) - 1;
  REQUIRE(v.association.send(v.now, StreamId{1}, 53, pattern(50'000)));
  v.drain();
  int packets = 0;
  std::uint32_t acked = base;
  for (int i = 0; i < 200; ++i) {
    // Everything sent is acknowledged, and the window stays shut.
    while (v.association.stats().in_flight > 0) {
      ++acked;
      v.put(ChunkType::sack, 0, SackChunk::kFixedSize,
            [&](MutableBytes b) { write_sack(b, acked, 0, {}, {}); });
    }
    v.now += 50ms;
    v.association.handle_timeout(v.now);
    packets += v.drain();
  }
  CHECK(packets > 5);
  CHECK(packets < 30);
}

TEST_CASE("a cookie is good once and not for ever", "[sctp][hostile][rfc9260]") {
  Config config;
  TwoPeers peers{config, config};
  TwoPeers::Packet echo;
  peers.watch = [&](bool from_a, const TwoPeers::Packet& p) {
    if (from_a && p[12] == 10) echo = p;
  };
  peers.a.association->connect(peers.now);
  peers.run_for(1s);
  REQUIRE_FALSE(echo.empty());
  REQUIRE(peers.b.association->state() == State::established);
  // Replayed while it lives: an acknowledgement and nothing else.
  peers.b.association->handle_packet(peers.now, echo);
  peers.run_for(1s);
  CHECK(peers.b.count<Connected>() == 1);
  // Replayed after the end.
  peers.b.association->abort(peers.now);
  peers.run_for(1s);
  peers.b.association->handle_packet(peers.now, echo);
  peers.run_for(1s);
  CHECK(peers.b.association->state() == State::closed);
  CHECK(peers.b.count<Connected>() == 1);
  // Forged.
  TwoPeers fresh{config, config};
  auto forged = echo;
  forged[20] ^= 1;
  fresh.b.association->handle_packet(fresh.now, forged);
  CHECK(fresh.b.association->state() == State::closed);
}

TEST_CASE("a stale cookie is refused and the handshake begins anew", "[sctp][rfc9260]") {
  Config config;
  config.cookie_lifetime = 100ms;
  PathOptions path;
  path.delay = 80ms;
  TwoPeers peers{{}, config, path};
  peers.a.association->connect(peers.now);
  peers.run_for(5s);
  CHECK(peers.b.association->state() == State::closed);
  CHECK(peers.b.association->stats().drops.bad_cookie > 1);
  CHECK(peers.a.association->state() != State::established);
}

TEST_CASE("unknown chunks are skipped or reported as their upper bits say", "[sctp][rfc9260]") {
  Victim v;
  v.put(static_cast<ChunkType>(0x3F), 0, 4, [](MutableBytes) {});
  CHECK(v.drain() == 0);
  v.put(static_cast<ChunkType>(0x80 | 0x3F), 0, 4, [](MutableBytes) {});
  CHECK(v.drain() == 0);
  v.put(static_cast<ChunkType>(0x40 | 0x3F), 0, 4, [](MutableBytes) {});
  CHECK(v.drain() == 1);
  for (int i = 0; i < 1000; ++i) {
    v.put(static_cast<ChunkType>(0xC0 | 0x3F), 0, 400, [](MutableBytes) {});
  }
  CHECK(v.drain() == 1);
}

TEST_CASE("a new INIT of another instance ends the association", "[sctp][rfc9260]") {
  Victim v;
  InitChunk init;
  init.initiate_tag = 0x12345678;
  init.outbound_streams = init.inbound_streams = 10;
  v.tag = 0;
  v.put(ChunkType::init, 0, init.value_size(), [&](MutableBytes b) { init.write_to(b); });
  const auto closed = v.closed();
  REQUIRE(closed);
  CHECK(closed->cause == CloseCause::peer_restarted);
}

TEST_CASE("wrong tags and ports and checksums are counted and dropped", "[sctp][rfc9260]") {
  Victim v;
  v.tag ^= 1;
  v.data(kFirstTsn, 1, 0, true, true, 10);
  CHECK(v.association.stats().drops.wrong_tag == 1);
  v.tag ^= 1;
  std::vector<std::uint8_t> storage(100);
  PacketWriter ports{storage, 5001, 5000, v.tag};
  ports.add(ChunkType::cookie_ack, 0, Bytes{});
  v.association.handle_packet(v.now, ports.finish(Checksum::crc32c));
  CHECK(v.association.stats().drops.malformed == 1);
  PacketWriter sum{storage, 5000, 5000, v.tag};
  sum.add(ChunkType::cookie_ack, 0, Bytes{});
  const Bytes packet = sum.finish(Checksum::crc32c);
  storage[8] ^= 1;
  v.association.handle_packet(v.now, packet);
  CHECK(v.association.stats().drops.bad_checksum == 1);
  CHECK(v.drain() == 0);
}

TEST_CASE("DATA and I-DATA do not mix", "[sctp][rfc8260]") {
  Victim v;
  v.interleaving = false;
  v.data(kFirstTsn, 1, 0, true, true, 10);
  const auto closed = v.closed();
  REQUIRE(closed);
  CHECK(closed->cause == CloseCause::protocol_violation);
}
