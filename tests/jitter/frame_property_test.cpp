// Random loss, order, duplication and repair of streams whose true references are known: whatever
// happens, what comes out is whole, in order, once, and decodable; and it goes on.
#include <array>
#include <map>
#include <set>

#include "parley/base/random.hpp"
#include "parley/jitter/frame_assembler.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::jitter;

namespace {

enum class Kind { plain, short_ids, long_ids, sparse_references, layers };

struct Picture {
  int number = 0;
  int packets = 1;
  bool key = false;
  bool non_reference = false;
  std::uint8_t tid = 0;
  bool sync = false;
  std::uint8_t tl0 = 0;
  std::int64_t first_sequence = 0;
  std::vector<int> references;
};

/// A stream and the truth about it. Sequence numbers have holes of padding now and then.
struct Stream {
  Kind kind;
  std::vector<Picture> pictures;
  std::vector<std::int64_t> padding;
};

Stream make_stream(Kind kind, int count, SeededRandom& random) {
  Stream stream{kind, {}, {}};
  std::int64_t sequence = 65'000;
  std::array<int, 4> latest{};  // last referenced picture of each layer
  for (int n = 0; n < count; ++n) {
    Picture p;
    p.number = n;
    p.packets = 1 + static_cast<int>(random.below(6));
    p.key = n == 0 || random.below(60) == 0 || n == count - 10;
    p.first_sequence = sequence;
    if (kind == Kind::layers) {
      constexpr std::array<std::uint8_t, 4> kPattern{0, 2, 1, 2};
      p.tid = p.key ? std::uint8_t{0} : kPattern[static_cast<std::size_t>(n % 4)];
      p.sync = p.tid != 0 && random.below(3) == 0;
    }
    p.non_reference =
        !p.key && (kind == Kind::sparse_references ? random.below(3) == 0 : p.tid == 2);
    if (p.key) {
      latest.fill(n);
    } else {
      p.references.push_back(latest[0]);
      for (std::size_t layer = 1; layer <= p.tid && !p.sync; ++layer) {
        p.references.push_back(latest[layer]);
      }
      if (!p.non_reference) latest[p.tid] = n;
    }
    const auto before = stream.pictures.empty() ? std::uint8_t{200} : stream.pictures.back().tl0;
    p.tl0 = static_cast<std::uint8_t>(before + (p.tid == 0 ? 1 : 0));
    sequence += p.packets;
    stream.pictures.push_back(p);
    while (random.below(12) == 0) stream.padding.push_back(sequence++);
  }
  return stream;
}

/// The bytes of packet `index` of picture `number`: recognisable, of varying length.
std::vector<std::uint8_t> content(int number, int index) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(4 + (number * 7 + index * 3) % 20));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(number * 31 + index * 17 + static_cast<int>(i));
  }
  return bytes;
}

struct Event {
  int picture = -1;  ///< -1: padding
  int index = 0;
  std::int64_t sequence = 0;
  bool retransmitted = false;
};

/// What arrives when. The last ten pictures arrive undisturbed.
std::multimap<Timestamp, Event> make_arrivals(const Stream& stream, SeededRandom& random) {
  const std::uint32_t loss = random.below(15);       // percent
  const std::uint32_t repaired = random.below(101);  // of the lost, percent
  const Duration disorder{random.below(2) == 0 ? 0 : random.below(80'000)};
  const Timestamp begin = Timestamp{} + 100s;
  const auto tail = static_cast<int>(stream.pictures.size()) - 10;
  std::multimap<Timestamp, Event> arrivals;
  std::size_t pad = 0;
  for (const Picture& p : stream.pictures) {
    // The pause lets every wait run out, so that the end is a clean start.
    const Timestamp sent = begin + p.number * Duration{33'333} + (p.number >= tail ? 3s : 0s);
    for (int i = 0; i < p.packets; ++i) {
      const Event event{p.number, i, p.first_sequence + i, false};
      if (p.number >= tail) {
        arrivals.emplace(sent, event);
        continue;
      }
      const Timestamp at =
          sent + Duration{random.below(1 + static_cast<std::uint32_t>(disorder.count()))};
      if (random.below(100) >= loss) {
        arrivals.emplace(at, event);
        if (random.below(20) == 0) arrivals.emplace(at + Duration{random.below(50'000)}, event);
      } else if (random.below(100) < repaired) {
        arrivals.emplace(at + 60ms + Duration{random.below(300'000)},
                         Event{p.number, i, p.first_sequence + i, true});
      }
    }
    for (std::int64_t end = p.first_sequence + p.packets;
         pad < stream.padding.size() && stream.padding[pad] == end; ++pad, ++end) {
      if (p.number < tail && random.below(100) < loss) continue;
      arrivals.emplace(sent, Event{-1, 0, stream.padding[pad], false});
    }
  }
  return arrivals;
}

VideoPacket make_packet(const Stream& stream, const Event& event, Bytes data) {
  const Picture& p = stream.pictures[static_cast<std::size_t>(event.picture)];
  VideoPacket packet;
  packet.sequence = event.sequence;
  packet.rtp_timestamp = static_cast<std::uint32_t>(p.number) * 3000U;
  packet.marker = event.index == p.packets - 1;
  packet.retransmitted = event.retransmitted;
  packet.payload.data = data;
  packet.payload.begins_frame = event.index == 0;
  packet.payload.key_frame = event.index == 0 && p.key;
  packet.payload.non_reference = p.non_reference;
  if (stream.kind != Kind::plain) {
    packet.payload.picture_id_bits = stream.kind == Kind::short_ids ? 7 : 15;
    packet.payload.picture_id = static_cast<std::uint16_t>(
        (32'700 + p.number) & ((1 << packet.payload.picture_id_bits) - 1));
  }
  if (stream.kind == Kind::layers) {
    packet.payload.temporal_id = p.tid;
    packet.payload.tl0_picture_index = p.tl0;
    packet.payload.layer_sync = p.sync;
  }
  return packet;
}

struct Receiver {
  const Stream& stream;
  FrameAssembler assembler;
  std::set<int> emitted;
  int last = -1;

  void poll(Timestamp now) {
    while (auto frame = assembler.poll_frame(now)) {
      const int number = static_cast<int>(frame->video.rtp_timestamp / 3000U);
      REQUIRE(number > last);
      last = number;
      const Picture& p = stream.pictures[static_cast<std::size_t>(number)];
      std::vector<std::uint8_t> whole;
      for (int i = 0; i < p.packets; ++i) {
        const auto part = content(number, i);
        whole.insert(whole.end(), part.begin(), part.end());
      }
      REQUIRE(frame->video.data == whole);
      REQUIRE(frame->video.key_frame == p.key);
      for (const int reference : p.references) {
        INFO("picture " << number << " refers to " << reference);
        REQUIRE(emitted.count(reference) == 1);
      }
      emitted.insert(number);
      assembler.recycle(std::move(frame->video.data));
    }
  }
};

void run(Kind kind, std::uint64_t seed) {
  INFO("kind " << static_cast<int>(kind) << ", seed " << seed);
  SeededRandom random{seed};
  const Stream stream = make_stream(kind, 150, random);
  const auto arrivals = make_arrivals(stream, random);
  Receiver receiver{stream, {}, {}, -1};
  receiver.assembler.set_round_trip_time(Duration{random.below(200'000)});
  const bool lazy = random.below(4) == 0;  // polls only when its timer fires
  Timestamp now{};
  for (const auto& [at, event] : arrivals) {
    // Timers first, in their order.
    while (receiver.assembler.next_timeout() < at) {
      now = std::max(now, receiver.assembler.next_timeout());
      receiver.assembler.handle_timeout(now);
      receiver.poll(now);
      receiver.assembler.take_key_frame_request();
    }
    now = at;
    if (event.picture < 0) {
      receiver.assembler.note_padding(now, event.sequence);
    } else {
      receiver.assembler.insert(now,
                                make_packet(stream, event, content(event.picture, event.index)));
    }
    if (!lazy || random.below(10) == 0) receiver.poll(now);
  }
  receiver.poll(now + 10ms);
  // Everything from the last key frame on came out.
  const int tail = static_cast<int>(stream.pictures.size()) - 10;
  for (int n = tail; n < tail + 10; ++n) REQUIRE(receiver.emitted.count(n) == 1);
  const auto& stats = receiver.assembler.stats();
  REQUIRE(stats.frames_emitted == receiver.emitted.size());
  REQUIRE(receiver.assembler.buffered_packets() < 10);
}

}  // namespace

TEST_CASE("whatever the path does frames come out whole and in order and decodable",
          "[jitter][video]") {
  for (const Kind kind :
       {Kind::plain, Kind::short_ids, Kind::long_ids, Kind::sparse_references, Kind::layers}) {
    for (std::uint64_t seed = 1; seed <= 150; ++seed) run(kind, seed);
  }
}
