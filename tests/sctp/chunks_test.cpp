// Golden bytes of every chunk type. Those marked so were also made by aiortc 1.4.0 from the same
// values; the others are drawn from the figures of the RFCs.
#include <string>

#include "sctp/crc32c.hpp"
#include "sctp/data_chunk.hpp"
#include "sctp/forward_tsn_chunk.hpp"
#include "sctp/init_chunk.hpp"
#include "sctp/packet.hpp"
#include "sctp/receive_tracker.hpp"
#include "sctp/reconfig_chunk.hpp"
#include "sctp/sack_chunk.hpp"
#include "sctp/state_cookie.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::sctp;

namespace {
using Buffer = std::vector<std::uint8_t>;

Buffer from_hex(std::string_view text) {
  Buffer out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  }
  return out;
}
std::string to_hex(Bytes bytes) {
  std::string out;
  for (const std::uint8_t b : bytes) {
    out += "0123456789abcdef"[b >> 4];
    out += "0123456789abcdef"[b & 15];
  }
  return out;
}
// A chunk as PacketWriter makes it, with its padding and without the common header.
template <class Fill>
std::string written(ChunkType type, std::uint8_t flags, std::size_t size, Fill fill) {
  Buffer storage(1200);
  PacketWriter out{storage, 5000, 5000, 1};
  fill(out.add(type, flags, size));
  return to_hex(out.finish(Checksum::zero).subspan(kCommonHeaderSize));
}
Chunk chunk_of(const Buffer& bytes) { return *ChunkReader{bytes}.next(); }
}  // namespace

TEST_CASE("CRC32c has the check values of the standard", "[sctp][rfc9260]") {
  CHECK(crc32c(as_bytes("123456789")) == 0xE3069283);
  const Buffer zeros(32, 0);  // RFC 3720 appendix B.4
  CHECK(crc32c(zeros) == 0x8A9136AA);
  const Buffer ones(32, 0xFF);
  CHECK(crc32c(ones) == 0x62A8AB43);
  for (std::size_t n = 0; n < 100; ++n) {
    Buffer data(n);
    for (std::size_t i = 0; i < n; ++i) data[i] = static_cast<std::uint8_t>(i * 37 + n);
    CHECK(crc32c(data) == ~crc32c_extend_portable(kCrc32cStart, data));
  }
}

TEST_CASE("a packet has the bytes of another implementation", "[sctp][rfc9260]") {
  // aiortc
  const Buffer golden =
      from_hex("13881388deadbeef2ecaa6370003001511223344000700090000003568656c6c6f000000");
  Buffer storage(100);
  PacketWriter out{storage, 5000, 5000, 0xDEADBEEF};
  DataChunk data;
  data.begin = data.end = true;
  data.tsn = 0x11223344;
  data.stream = 7;
  data.number = 9;
  data.ppid = 53;
  data.payload = as_bytes("hello");
  data.write_to(out.add(ChunkType::data, data.flags(), data.value_size()));
  CHECK(to_hex(out.finish(Checksum::crc32c)) == to_hex(golden));

  const auto packet = Packet::parse(golden);
  REQUIRE(packet);
  CHECK(packet->checksum == ChecksumState::right);
  CHECK(packet->verification_tag == 0xDEADBEEF);
  ChunkReader chunks{packet->chunks};
  const auto parsed = DataChunk::parse(*chunks.next());
  REQUIRE(parsed);
  CHECK(parsed->stream == 7);
  CHECK(parsed->number == 9);
  CHECK(parsed->ppid == 53);
  CHECK(as_text(parsed->payload) == "hello");
  CHECK_FALSE(chunks.next());
  CHECK_FALSE(chunks.malformed());
}

TEST_CASE("every flipped bit of a packet is seen by the checksum", "[sctp][rfc9260]") {
  const Buffer golden =
      from_hex("13881388deadbeef2ecaa6370003001511223344000700090000003568656c6c6f000000");
  for (std::size_t bit = 0; bit < golden.size() * 8; ++bit) {
    Buffer copy = golden;
    copy[bit / 8] = static_cast<std::uint8_t>(copy[bit / 8] ^ (0x80U >> (bit % 8)));
    CHECK(Packet::parse(copy)->checksum != ChecksumState::right);
  }
}

TEST_CASE("INIT has its golden bytes", "[sctp][rfc9260]") {
  InitChunk init;
  init.initiate_tag = 0x01020304;
  init.window = 131'072;
  init.outbound_streams = init.inbound_streams = 65'535;
  init.initial_tsn = 0x0A0B0C0D;
  init.forward_tsn = init.re_config = true;
  // aiortc
  CHECK(written(ChunkType::init, 0, init.value_size(), [&](MutableBytes b) { init.write_to(b); }) ==
        "0100001e0102030400020000ffffffff0a0b0c0dc00000048008000682c00000");
  init.interleaving = init.zero_checksum = true;
  const std::string all =
      written(ChunkType::init, 0, init.value_size(), [&](MutableBytes b) { init.write_to(b); });
  CHECK(all == "010000280102030400020000ffffffff0a0b0c0dc00000048008000882c040c28001000800000001");
  const Buffer kept = from_hex(all);
  const auto parsed = InitChunk::parse(chunk_of(kept).value);
  REQUIRE(parsed);
  CHECK(parsed->initiate_tag == 0x01020304);
  CHECK(parsed->initial_tsn == 0x0A0B0C0D);
  CHECK(
      (parsed->forward_tsn && parsed->re_config && parsed->interleaving && parsed->zero_checksum));
}

TEST_CASE("INIT ACK has its golden bytes", "[sctp][rfc9260]") {
  const Buffer cookie = from_hex("636f6f6b6965");
  InitChunk ack;
  ack.initiate_tag = 0x01020304;
  ack.window = 131'072;
  ack.outbound_streams = ack.inbound_streams = 65'535;
  ack.initial_tsn = 0x0A0B0C0D;
  ack.cookie = cookie;
  // aiortc
  const std::string bytes =
      written(ChunkType::init_ack, 0, ack.value_size(), [&](MutableBytes b) { ack.write_to(b); });
  CHECK(bytes == "0200001e0102030400020000ffffffff0a0b0c0d0007000a636f6f6b69650000");
  const Buffer kept = from_hex(bytes);
  const auto parsed = InitChunk::parse(chunk_of(kept).value);
  REQUIRE(parsed);
  CHECK(to_hex(parsed->cookie) == "636f6f6b6965");
}

TEST_CASE("unknown parameters of INIT are skipped or reported as their upper bits say",
          "[sctp][rfc9260]") {
  const std::string fixed = "0102030400020000ffffffff0a0b0c0d";
  const std::string forward = "c0000004";
  const auto parse = [&](const std::string& parameters) {
    static Buffer kept;
    kept = from_hex(fixed + parameters);
    return *InitChunk::parse(kept);
  };
  CHECK_FALSE(parse("00990004" + forward).forward_tsn);  // stop
  CHECK(parse("00990004" + forward).unknown_count == 0);
  CHECK_FALSE(parse("40990004" + forward).forward_tsn);  // stop and report
  CHECK(parse("40990004" + forward).unknown_count == 1);
  CHECK(parse("80990004" + forward).forward_tsn);  // skip
  CHECK(parse("80990004" + forward).unknown_count == 0);
  const InitChunk reported = parse("c0990004" + forward);  // skip and report
  CHECK(reported.forward_tsn);
  REQUIRE(reported.unknown_count == 1);
  CHECK(to_hex(reported.unknown[0]) == "c0990004");
  CHECK_FALSE(InitChunk::parse(from_hex(fixed + "c0990003")));
  CHECK_FALSE(InitChunk::parse(from_hex("0000000000020000ffffffff0a0b0c0d")));
  CHECK_FALSE(InitChunk::parse(from_hex("01020304000200000000ffff0a0b0c0d")));
  CHECK_FALSE(InitChunk::parse(from_hex("0102030400020000ffff")));
}

TEST_CASE("I-DATA has its golden bytes", "[sctp][rfc8260]") {
  DataChunk data;
  data.format = DataFormat::i_data;
  data.begin = true;
  data.immediate = true;
  data.tsn = 0x11223344;
  data.stream = 7;
  data.number = 0x00010002;
  data.ppid = 53;
  data.fragment = 99;  // not on the wire of a first part
  data.payload = as_bytes("abcd");
  const std::string first = written(ChunkType::i_data, data.flags(), data.value_size(),
                                    [&](MutableBytes b) { data.write_to(b); });
  CHECK(first == "400a00181122334400070000000100020000003561626364");
  data.begin = false;
  data.end = data.unordered = true;
  data.immediate = false;
  const std::string last = written(ChunkType::i_data, data.flags(), data.value_size(),
                                   [&](MutableBytes b) { data.write_to(b); });
  CHECK(last == "400500181122334400070000000100020000006361626364");
  const Buffer bytes = from_hex(last);
  const auto parsed = DataChunk::parse(chunk_of(bytes));
  REQUIRE(parsed);
  CHECK(parsed->number == 0x00010002);
  CHECK(parsed->fragment == 99);
  CHECK(parsed->ppid == 0);
  CHECK((parsed->end && parsed->unordered && !parsed->begin && !parsed->immediate));
}

TEST_CASE("SACK has its golden bytes", "[sctp][rfc9260]") {
  const std::string golden = "0300001c010203040001000000020001000200030005000501020300";  // aiortc
  const std::vector<GapBlock> gaps{{2, 3}, {5, 5}};
  CHECK(written(ChunkType::sack, 0, SackChunk::kFixedSize + 12, [&](MutableBytes b) {
          write_sack(b, 0x01020304, 65'536, gaps, {0x01020300});
        }) == golden);
  const Buffer bytes = from_hex(golden);
  const auto sack = SackChunk::parse(chunk_of(bytes).value);
  REQUIRE(sack);
  CHECK(sack->window == 65'536);
  REQUIRE(sack->gap_count() == 2);
  CHECK(sack->gap(1) == GapBlock{5, 5});
  REQUIRE(sack->duplicate_count() == 1);
  CHECK(sack->duplicate(0) == 0x01020300);
  CHECK_FALSE(SackChunk::parse(from_hex("0102030400010000000200010002000300050005")));
}

TEST_CASE("FORWARD TSN and I-FORWARD-TSN have their golden bytes", "[sctp][rfc3758][rfc8260]") {
  const std::string golden = "c0000010010203040001000200030004";  // aiortc
  CHECK(written(ChunkType::forward_tsn, 0, 12, [&](MutableBytes b) {
          write_forward_tsn(b, DataFormat::data, 0x01020304, {{1, false, 2}, {3, false, 4}});
        }) == golden);
  const std::string interleaved = "c2000018010203040001000000000002000300010a0b0c0d";
  CHECK(written(ChunkType::i_forward_tsn, 0, 20, [&](MutableBytes b) {
          write_forward_tsn(b, DataFormat::i_data, 0x01020304,
                            {{1, false, 2}, {3, true, 0x0A0B0C0D}});
        }) == interleaved);
  const Buffer bytes = from_hex(interleaved);
  const auto parsed = ForwardTsnChunk::parse(chunk_of(bytes));
  REQUIRE(parsed);
  REQUIRE(parsed->count() == 2);
  CHECK(parsed->skipped(1) == SkippedMessage{3, true, 0x0A0B0C0D});
  const Buffer odd = from_hex("c000000e01020304000100020003");
  CHECK_FALSE(ForwardTsnChunk::parse(chunk_of(odd)));
}

TEST_CASE("RE-CONFIG has its golden bytes", "[sctp][rfc6525]") {
  const std::string golden = "82000018000d001400000001000000020000000300040005";  // aiortc
  CHECK(written(ChunkType::re_config, 0, outgoing_reset_size(2), [&](MutableBytes b) {
          write_outgoing_reset(b, 1, 2, 3, {ChannelId{4}, ChannelId{5}});
        }) == golden);
  CHECK(written(ChunkType::re_config, 0, kReconfigResponseSize, [&](MutableBytes b) {
          write_reconfig_response(b, {1, ReconfigResult::performed});
        }) == "820000100010000c0000000100000001");  // aiortc
  const Buffer bytes = from_hex(golden);
  const auto p = ParameterReader{chunk_of(bytes).value}.next();
  REQUIRE(p);
  const auto request = OutgoingResetRequest::parse(p->value);
  REQUIRE(request);
  CHECK(request->last_tsn == 3);
  REQUIRE(request->count() == 2);
  CHECK(request->stream(1) == 5);
}

TEST_CASE("chunk lengths beyond the packet or below the header end it", "[sctp][rfc9260]") {
  for (const char* text : {"0e00000800", "0e000003", "0e0000", "0e00ffff"}) {
    const Buffer bytes = from_hex(text);
    ChunkReader chunks{bytes};
    CHECK_FALSE(chunks.next());
    CHECK(chunks.malformed());
  }
  const Buffer unpadded = from_hex("0b0000040a00000561");
  ChunkReader chunks{unpadded};
  CHECK(chunks.next());
  CHECK(chunks.next()->value.size() == 1);
  CHECK_FALSE(chunks.next());
  CHECK_FALSE(chunks.malformed());
}

TEST_CASE("a cookie opens only unchanged and with its own key", "[sctp][rfc9260]") {
  SeededRandom random{1};
  CookieJar jar{random};
  CookieJar other{random};
  StateCookie state;
  state.made = Timestamp{123s};
  state.local_tag = 5;
  state.peer.initiate_tag = 6;
  state.peer.window = 7;
  state.peer.initial_tsn = 8;
  state.peer.zero_checksum = true;
  auto cookie = jar.seal(state);
  const auto opened = jar.open(cookie);
  REQUIRE(opened);
  CHECK(opened->made == Timestamp{123s});
  CHECK(opened->peer.initial_tsn == 8);
  CHECK(opened->peer.zero_checksum);
  CHECK_FALSE(opened->peer.forward_tsn);
  CHECK_FALSE(other.open(cookie));
  for (std::size_t i = 0; i < cookie.size(); ++i) {
    cookie[i] ^= 1;
    CHECK_FALSE(jar.open(cookie));
    cookie[i] ^= 1;
  }
  CHECK_FALSE(jar.open(Bytes{cookie}.first(cookie.size() - 1)));
}

TEST_CASE("the tracker reports gaps and duplicates across the wrap", "[sctp][rfc9260]") {
  ReceiveTracker t;
  t.start(0xFFFFFFFE);
  const auto note = [&t](std::uint32_t tsn) { return t.note(t.unwrap(tsn)); };
  using V = ReceiveTracker::Verdict;
  CHECK(note(0xFFFFFFFE) == V::fresh);
  CHECK(note(0) == V::fresh);
  CHECK(note(1) == V::fresh);
  CHECK(note(4) == V::fresh);
  CHECK(note(0) == V::duplicate);
  CHECK(note(0xFFFFFFFE) == V::duplicate);
  std::vector<GapBlock> gaps;
  std::vector<std::uint32_t> duplicates;
  t.report(10, t.highest(), gaps, duplicates);
  CHECK(static_cast<std::uint32_t>(t.cumulative()) == 0xFFFFFFFE);
  CHECK(gaps == std::vector<GapBlock>{{2, 3}, {6, 6}});
  CHECK(duplicates == std::vector<std::uint32_t>{0, 0xFFFFFFFE});
  CHECK_FALSE(t.has_duplicates());
  CHECK(note(0xFFFFFFFF) == V::fresh);
  CHECK(static_cast<std::uint32_t>(t.cumulative()) == 1);
  CHECK(note(3) == V::fresh);
  CHECK(note(2) == V::fresh);
  CHECK(static_cast<std::uint32_t>(t.cumulative()) == 4);
  CHECK_FALSE(t.has_gaps());
  CHECK(note(5 + 65'535) == V::out_of_window);
}

TEST_CASE("the tracker remembers a bounded number of islands", "[sctp]") {
  ReceiveTracker t;
  t.start(1);
  std::size_t taken = 0;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    if (t.note(t.unwrap(3 + 2 * i)) == ReceiveTracker::Verdict::fresh) ++taken;
  }
  CHECK(taken == ReceiveTracker::kMaxIslands);
  CHECK(t.note(t.unwrap(4)) == ReceiveTracker::Verdict::fresh);  // joins two
  CHECK(t.note(t.unwrap(1)) == ReceiveTracker::Verdict::fresh);
  CHECK(t.skip_to(t.unwrap(2)));
  CHECK(static_cast<std::uint32_t>(t.cumulative()) == 5);
}
