// Data channels over two associations (RFC 8831, RFC 8832) and stream reset (RFC 6525).
#include "parley/sctp/channels.hpp"
#include "sctp/data_chunk.hpp"
#include "sctp/dcep.hpp"
#include "sctp/packet.hpp"
#include "sctp/test_network.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;
using namespace parley::sctp::test;

namespace {

// Channels on both ends of a TwoPeers, whose own reading is off.
struct ChannelPeers {
  struct Side {
    explicit Side(Association& association, const ChannelsConfig& config = {})
        : channels(association, config) {}
    Channels channels;
    std::vector<ChannelEvent> events;

    template <class E>
    std::vector<E> all() const {
      std::vector<E> out;
      for (const ChannelEvent& e : events) {
        if (const E* found = std::get_if<E>(&e)) out.push_back(*found);
      }
      return out;
    }
  };
  explicit ChannelPeers(PathOptions path = {}, const Config& config = {}, std::uint64_t seed = 1)
      : peers(config, config, std::move(path), seed),
        a(*peers.a.association),
        b(*peers.b.association) {
    peers.a.reading = peers.b.reading = false;
    a.channels.set_role(peers.now, DtlsRole::client);
    b.channels.set_role(peers.now, DtlsRole::server);
  }
  void run_for(Duration d) {
    const Timestamp end = peers.now + d;
    while (peers.now < end) {
      peers.run_for(std::min<Duration>(5ms, end - peers.now));
      for (Side* s : {&a, &b}) {
        while (auto e = s->channels.poll_event(peers.now)) s->events.push_back(std::move(*e));
      }
      peers.drain();
    }
  }
  void connect() {
    peers.a.association->connect(peers.now);
    peers.b.association->connect(peers.now);
    run_for(200ms);
  }
  Timestamp now() const { return peers.now; }

  TwoPeers peers;
  Side a;
  Side b;
};

ChannelOptions labelled(std::string label) {
  ChannelOptions o;
  o.label = std::move(label);
  return o;
}
}  // namespace

TEST_CASE("DATA_CHANNEL_OPEN has its golden bytes", "[sctp][rfc8832]") {
  DcepOpen open;
  open.options.label = "chat";
  open.options.protocol = "p";
  open.options.ordered = false;
  open.options.max_retransmits = 3;
  open.options.priority = ChannelPriority::medium;
  const std::vector<std::uint8_t> golden{3, 0x81, 2, 0,   0,   0,   0,   3,  0,
                                         4, 0,    1, 'c', 'h', 'a', 't', 'p'};
  CHECK(open.to_bytes() == golden);
  const auto parsed = DcepOpen::parse(golden);
  REQUIRE(parsed);
  CHECK(parsed->options.label == "chat");
  CHECK(parsed->options.protocol == "p");
  CHECK_FALSE(parsed->options.ordered);
  CHECK(parsed->options.max_retransmits == 3);
  CHECK(parsed->options.priority == ChannelPriority::medium);
  auto odd = golden;
  odd[1] = 0x03;
  CHECK_FALSE(DcepOpen::parse(odd));
  for (std::size_t n = 0; n < golden.size(); ++n)
    CHECK_FALSE(DcepOpen::parse(Bytes{golden}.first(n)));
}

TEST_CASE("a channel opens in band with its options at both ends", "[sctp][rfc8832]") {
  ChannelPeers p;
  ChannelOptions options = labelled("game");
  options.protocol = "v1";
  options.ordered = false;
  options.max_packet_lifetime = std::chrono::milliseconds{250};
  options.priority = ChannelPriority::high;
  const auto channel = p.a.channels.open(p.now(), options);
  REQUIRE(channel);
  CHECK(p.a.channels.info(*channel)->state == ChannelState::connecting);
  p.connect();
  CHECK(p.a.channels.info(*channel)->state == ChannelState::open);
  CHECK(p.a.channels.info(*channel)->id == StreamId{0});
  REQUIRE(p.b.all<ChannelAnnounced>().size() == 1);
  const auto there = p.b.channels.info(p.b.all<ChannelAnnounced>()[0].channel);
  CHECK(there->options.label == "game");
  CHECK(there->options.protocol == "v1");
  CHECK_FALSE(there->options.ordered);
  CHECK(there->options.max_packet_lifetime == std::chrono::milliseconds{250});
  CHECK(there->options.priority == ChannelPriority::high);
  CHECK(there->id == StreamId{0});
  const auto back = p.b.channels.open(p.now(), labelled("odd"));
  REQUIRE(back);
  CHECK(p.b.channels.info(*back)->id == StreamId{1});
}

TEST_CASE("text and binary and empty messages keep their kind", "[sctp][rfc8831]") {
  ChannelPeers p;
  const auto channel = *p.a.channels.open(p.now(), labelled("x"));
  p.connect();
  REQUIRE(p.a.channels.send(p.now(), channel, MessageKind::text, as_bytes("hello")));
  REQUIRE(p.a.channels.send(p.now(), channel, MessageKind::binary, as_bytes("world")));
  REQUIRE(p.a.channels.send(p.now(), channel, MessageKind::text, Bytes{}));
  REQUIRE(p.a.channels.send(p.now(), channel, MessageKind::binary, Bytes{}));
  p.run_for(1s);
  const auto messages = p.b.all<ChannelMessage>();
  REQUIRE(messages.size() == 4);
  CHECK(messages[0].kind == MessageKind::text);
  CHECK(as_text(messages[0].data) == "hello");
  CHECK(messages[1].kind == MessageKind::binary);
  CHECK(messages[2].kind == MessageKind::text);
  CHECK(messages[2].data.empty());
  CHECK(messages[3].kind == MessageKind::binary);
  CHECK(messages[3].data.empty());
  CHECK(p.a.channels.info(channel)->bytes_sent == 10);
}

TEST_CASE("messages that follow the OPEN do not overtake it", "[sctp][rfc8832]") {
  PathOptions path;
  path.jitter = 40ms;
  ChannelPeers p{path};
  p.connect();
  ChannelOptions options = labelled("x");
  options.ordered = false;
  const auto channel = *p.a.channels.open(p.now(), options);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(p.a.channels.send(p.now(), channel, MessageKind::binary, pattern(1000)));
    p.peers.drain();
  }
  p.run_for(5s);
  CHECK(p.b.all<ChannelMessage>().size() == 20);
}

TEST_CASE("messages that wait for the answer to the OPEN go unordered when it has come",
          "[sctp][rfc8832]") {
  Config config;
  config.interleaving = GENERATE(false, true);
  ChannelPeers p{{}, config};
  p.connect();
  std::map<bool, int> sent;  // by whether they are unordered
  p.peers.watch = [&](bool from_a, const TwoPeers::Packet& bytes) {
    const auto packet = Packet::parse(bytes);
    REQUIRE(packet);
    ChunkReader chunks{packet->chunks};
    while (const auto chunk = chunks.next()) {
      if (chunk->type != ChunkType::data && chunk->type != ChunkType::i_data) continue;
      const auto data = DataChunk::parse(*chunk);
      if (from_a && data->ppid == static_cast<std::uint32_t>(Ppid::binary)) ++sent[data->unordered];
    }
  };
  ChannelOptions options = labelled("x");
  options.ordered = false;
  options.max_retransmits = 0;
  const auto channel = *p.a.channels.open(p.now(), options);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(p.a.channels.send(p.now(), channel, MessageKind::binary, pattern(1000)));
  }
  p.peers.drain();
  CHECK(sent[false] > 5);
  CHECK(sent[true] == 0);
  p.run_for(5s);
  CHECK(sent[true] > 50);
  CHECK(p.b.all<ChannelMessage>().size() == 100);
}

TEST_CASE("negotiated channels say nothing in band", "[sctp][rfc8831]") {
  ChannelPeers p;
  ChannelOptions options;
  options.negotiated = true;
  options.id = StreamId{7};
  const auto a = *p.a.channels.open(p.now(), options);
  const auto b = *p.b.channels.open(p.now(), options);
  CHECK(p.a.channels.open(p.now(), options).error().code == Errc::invalid_state);
  p.connect();
  CHECK(p.b.all<ChannelAnnounced>().empty());
  CHECK(p.peers.a.association->stats().messages_sent == 0);
  REQUIRE(p.a.channels.send(p.now(), a, MessageKind::text, as_bytes("hi")));
  p.run_for(1s);
  REQUIRE(p.b.all<ChannelMessage>().size() == 1);
  CHECK(p.b.all<ChannelMessage>()[0].channel == b);
}

TEST_CASE("options that contradict one another are refused", "[sctp]") {
  ChannelPeers p;
  const auto code = [&p](const ChannelOptions& o) {
    return p.a.channels.open(p.now(), o).error().code;
  };
  ChannelOptions both;
  both.max_retransmits = 1;
  both.max_packet_lifetime = std::chrono::milliseconds{1};
  CHECK(code(both) == Errc::invalid_argument);
  ChannelOptions no_id;
  no_id.negotiated = true;
  CHECK(code(no_id) == Errc::invalid_argument);
  ChannelOptions last;
  last.negotiated = true;
  last.id = StreamId{65'535};
  CHECK(code(last) == Errc::invalid_argument);
  CHECK(code(labelled(std::string(65'536, 'x'))) == Errc::invalid_argument);
  CHECK(p.a.channels.send(p.now(), ChannelHandle{99}, MessageKind::text, Bytes{}).error().code ==
        Errc::not_found);
}

TEST_CASE("a message above what the peer takes is refused", "[sctp][rfc8841]") {
  ChannelPeers p;
  const auto channel = *p.a.channels.open(p.now(), labelled("x"));
  CHECK(p.a.channels.send(p.now(), channel, MessageKind::text, Bytes{}).error().code ==
        Errc::invalid_state);
  p.connect();
  CHECK(p.a.channels.send(p.now(), channel, MessageKind::binary, pattern(64 * 1024)));
  CHECK(p.a.channels.send(p.now(), channel, MessageKind::binary, pattern(64 * 1024 + 1))
            .error()
            .code == Errc::too_large);
  p.a.channels.set_max_send_message(0);
  CHECK(p.a.channels.send(p.now(), channel, MessageKind::binary, pattern(200 * 1024)));
  p.run_for(2s);
  CHECK(p.b.all<ChannelMessage>().size() == 2);
}

TEST_CASE("close delivers what was accepted and both ends end", "[sctp][rfc8831][rfc6525]") {
  PathOptions path;
  path.loss = GENERATE(0.0, 0.1);
  const auto seed = static_cast<std::uint64_t>(GENERATE(1, 2, 3));
  ChannelPeers p{path, {}, seed};
  const auto channel = *p.a.channels.open(p.now(), labelled("x"));
  p.connect();
  p.run_for(10s);
  for (std::uint64_t i = 0; i < 30; ++i) {
    REQUIRE(p.a.channels.send(p.now(), channel, MessageKind::binary, pattern(3000, i)));
  }
  p.a.channels.close(p.now(), channel);
  CHECK(p.a.channels.info(channel)->state == ChannelState::closing);
  CHECK(p.a.channels.send(p.now(), channel, MessageKind::text, Bytes{}).error().code ==
        Errc::invalid_state);
  p.run_for(60s);
  CHECK(p.b.all<ChannelMessage>().size() == 30);
  REQUIRE(p.a.all<ChannelClosed>().size() == 1);
  REQUIRE(p.b.all<ChannelClosed>().size() == 1);
  CHECK_FALSE(p.a.all<ChannelClosed>()[0].failed);
  CHECK(p.a.channels.handles().empty());
  CHECK(p.b.channels.handles().empty());
}

TEST_CASE("ids are used again after both directions are reset", "[sctp][rfc8831][rfc6525]") {
  const bool interleaving = GENERATE(true, false);
  Config config;
  config.interleaving = interleaving;
  ChannelPeers p{{}, config};
  p.connect();
  for (int round = 0; round < 5; ++round) {
    const auto channel = *p.a.channels.open(p.now(), labelled("x"));
    CHECK(p.a.channels.info(channel)->id == StreamId{0});
    REQUIRE(p.a.channels.send(p.now(), channel, MessageKind::text, as_bytes("m")));
    p.run_for(300ms);
    // Either end may begin; or both.
    if (round % 3 != 1) p.a.channels.close(p.now(), channel);
    if (round % 3 != 0) p.b.channels.close(p.now(), p.b.channels.handles().front());
    p.run_for(1s);
    INFO("round " << round);
    CHECK(p.a.channels.handles().empty());
    CHECK(p.b.channels.handles().empty());
  }
  CHECK(p.b.all<ChannelMessage>().size() == 5);
}

TEST_CASE("a hundred channels open and carry and close", "[sctp][rfc8831]") {
  ChannelPeers p;
  p.connect();
  std::vector<ChannelHandle> handles;
  for (int i = 0; i < 100; ++i) handles.push_back(*p.a.channels.open(p.now(), labelled("c")));
  for (const auto h : handles) {
    REQUIRE(p.a.channels.send(p.now(), h, MessageKind::binary, pattern(2000)));
  }
  p.run_for(3s);
  CHECK(p.b.all<ChannelAnnounced>().size() == 100);
  CHECK(p.b.all<ChannelMessage>().size() == 100);
  for (const auto h : handles) p.a.channels.close(p.now(), h);
  p.run_for(5s);
  CHECK(p.a.all<ChannelClosed>().size() == 100);
  CHECK(p.b.channels.handles().empty());
}

TEST_CASE("a peer's channels above the limit are closed at once", "[sctp]") {
  ChannelPeers p;
  ChannelsConfig few;
  few.max_channels = 2;
  ChannelPeers::Side limited{*p.peers.b.association, few};
  p.b.channels = std::move(limited.channels);
  p.b.channels.set_role(p.now(), DtlsRole::server);
  for (int i = 0; i < 4; ++i) REQUIRE(p.a.channels.open(p.now(), labelled("c")));
  p.connect();
  p.run_for(2s);
  CHECK(p.b.channels.handles().size() == 2);
}

TEST_CASE("the deprecated partial messages are put together", "[sctp][rfc8831]") {
  ChannelPeers p;
  ChannelOptions options;
  options.negotiated = true;
  options.id = StreamId{3};
  REQUIRE(p.b.channels.open(p.now(), options));
  p.connect();
  auto& raw = *p.peers.a.association;
  REQUIRE(raw.send(p.now(), StreamId{3}, 54, as_bytes("hel")));
  REQUIRE(raw.send(p.now(), StreamId{3}, 54, as_bytes("lo ")));
  REQUIRE(raw.send(p.now(), StreamId{3}, 51, as_bytes("you")));
  p.run_for(1s);
  const auto messages = p.b.all<ChannelMessage>();
  REQUIRE(messages.size() == 1);
  CHECK(as_text(messages[0].data) == "hello you");
}

TEST_CASE("an OPEN of an unknown type closes its channel", "[sctp][rfc8832]") {
  ChannelPeers p;
  p.connect();
  auto bytes = DcepOpen{labelled("x")}.to_bytes();
  bytes[1] = 0x7F;
  REQUIRE(p.peers.a.association->send(p.now(), StreamId{4}, 50, bytes));
  p.run_for(1s);
  CHECK(p.b.all<ChannelAnnounced>().empty());
  CHECK(p.peers.b.association->stats().state == State::established);
}

TEST_CASE("the end of the association ends its channels with the truth", "[sctp]") {
  ChannelPeers p;
  const auto channel = *p.a.channels.open(p.now(), labelled("x"));
  p.connect();
  p.peers.b.association->abort(p.now(), "gone");
  p.run_for(1s);
  REQUIRE(p.a.all<ChannelClosed>().size() == 1);
  CHECK(p.a.all<ChannelClosed>()[0].channel == channel);
  CHECK(p.a.all<ChannelClosed>()[0].failed);
  REQUIRE(p.a.all<TransportClosed>().size() == 1);
  CHECK(p.a.channels.open(p.now(), labelled("y")).error().code == Errc::closed);
}

TEST_CASE("a channel that was refused hears when it may send again", "[sctp][rfc8831]") {
  Config config;
  config.send_buffer = 50'000;
  ChannelPeers p{{}, config};
  p.connect();
  const auto bulk = p.a.channels.open(p.now(), labelled("bulk"));
  const auto idle = p.a.channels.open(p.now(), labelled("idle"));
  REQUIRE(bulk);
  REQUIRE(idle);
  REQUIRE(p.a.channels.send(p.now(), *bulk, MessageKind::binary, pattern(40'000)));
  const auto more = p.a.channels.send(p.now(), *bulk, MessageKind::binary, pattern(20'000));
  REQUIRE_FALSE(more);
  CHECK(more.error().code == Errc::queue_full);

  auto kept = pattern(20'000, 2);
  REQUIRE_FALSE(p.a.channels.send(p.now(), *bulk, MessageKind::binary, std::move(kept)));
  CHECK(kept == pattern(20'000, 2));
  // A new channel is opened all the same: what says so is not the application's.
  const auto late = p.a.channels.open(p.now(), labelled("late"));
  REQUIRE(late);
  p.run_for(1s);
  CHECK(p.a.channels.info(*late)->state == ChannelState::open);
  CHECK(p.b.all<ChannelAnnounced>().size() == 3);
  REQUIRE(p.a.all<ChannelSendAvailable>().size() == 1);
  CHECK(p.a.all<ChannelSendAvailable>()[0].channel == *bulk);
  REQUIRE(p.a.channels.send(p.now(), *bulk, MessageKind::binary, std::move(kept)));
  CHECK(kept.empty());
  p.run_for(1s);
  REQUIRE(p.b.all<ChannelMessage>().size() == 2);
  CHECK(p.b.all<ChannelMessage>()[1].data == pattern(20'000, 2));
}

TEST_CASE("a refused message says why", "[sctp][rfc8831]") {
  ChannelPeers p;
  const auto c = p.a.channels.open(p.now(), labelled("c"));
  REQUIRE(c);
  const auto code = [&](ChannelHandle channel, std::size_t size) {
    return p.a.channels.send(p.now(), channel, MessageKind::binary, pattern(size)).error().code;
  };
  CHECK(code(*c, 1) == Errc::invalid_state);  // not open yet
  CHECK(code(ChannelHandle{99}, 1) == Errc::not_found);
  p.connect();
  CHECK(code(*c, 64 * 1024 + 1) == Errc::too_large);
  p.a.channels.close(p.now(), *c);
  CHECK(code(*c, 1) == Errc::invalid_state);
}

TEST_CASE("opening a channel is not part of its buffered amount", "[sctp][rfc8832]") {
  ChannelPeers p;
  p.connect();
  const auto c = p.a.channels.open(p.now(), labelled("c"));
  REQUIRE(c);
  CHECK(p.a.channels.info(*c)->buffered_amount == 0);
  p.run_for(100ms);
  CHECK(p.a.all<ChannelBufferedAmountLow>().empty());
}

TEST_CASE("a message that expires in the queue lowers the buffered amount", "[sctp][rfc3758]") {
  PathOptions path;
  path.outages = {{300ms, 2s}};
  ChannelPeers p{path};
  p.connect();
  ChannelOptions options = labelled("live");
  options.max_packet_lifetime = std::chrono::milliseconds{100};
  const auto c = p.a.channels.open(p.now(), options);
  REQUIRE(c);
  p.run_for(150ms);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(p.a.channels.send(p.now(), *c, MessageKind::binary, pattern(10'000)));
  }
  CHECK(p.a.channels.info(*c)->buffered_amount > 0);
  p.run_for(8s);
  CHECK(p.a.channels.info(*c)->buffered_amount == 0);
  CHECK(p.a.all<ChannelBufferedAmountLow>().size() == 1);
}

TEST_CASE("shutdown of the channels delivers what was accepted", "[sctp][rfc8831]") {
  ChannelPeers p;
  p.connect();
  const auto one = p.a.channels.open(p.now(), labelled("one"));
  const auto two = p.a.channels.open(p.now(), labelled("two"));
  REQUIRE(one);
  REQUIRE(two);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(p.a.channels.send(p.now(), *one, MessageKind::binary, pattern(60'000)));
    REQUIRE(p.a.channels.send(p.now(), *two, MessageKind::text, Bytes{}));
  }
  p.a.channels.shutdown(p.now());
  CHECK(p.a.channels.send(p.now(), *one, MessageKind::text, Bytes{}).error().code ==
        Errc::invalid_state);
  p.run_for(3s);
  CHECK(p.b.all<ChannelMessage>().size() == 20);
  for (const ChannelPeers::Side* s : {&p.a, &p.b}) {
    REQUIRE(s->all<ChannelClosed>().size() == 2);
    for (const ChannelClosed& closed : s->all<ChannelClosed>()) {
      CHECK_FALSE(closed.failed);
      CHECK(closed.reason.empty());
    }
    REQUIRE(s->all<TransportClosed>().size() == 1);
    CHECK(s->all<TransportClosed>()[0].closed.cause == CloseCause::shutdown);
  }
}

TEST_CASE("close of all channels keeps the association", "[sctp][rfc8831]") {
  ChannelPeers p;
  p.connect();
  for (int i = 0; i < 3; ++i) REQUIRE(p.a.channels.open(p.now(), labelled("x")));
  p.run_for(100ms);
  p.a.channels.close_all(p.now());
  p.run_for(500ms);
  CHECK(p.a.channels.handles().empty());
  CHECK(p.b.channels.handles().empty());
  REQUIRE(p.a.channels.open(p.now(), labelled("again")));
  p.run_for(100ms);
  CHECK(p.b.all<ChannelAnnounced>().size() == 4);
  p.a.channels.recycle({});
}
