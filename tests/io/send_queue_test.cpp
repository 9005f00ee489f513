// The rules of sending when the socket refuses, with a socket that does what the test says.
#include "io/send_queue.hpp"

#include <string>

#include "support/catch.hpp"

using namespace parley;
using namespace parley::io;

namespace {

/// Takes `room` datagrams, refuses those that begin with 'x' and then would block.
struct FakeSocket {
  std::size_t room = 0;
  std::string sent;

  std::size_t operator()(std::span<const Outgoing> datagrams, std::error_code& error) {
    std::size_t count = 0;
    for (const Outgoing& d : datagrams) {
      const char c = static_cast<char>(d.bytes[0]);
      if (room == 0 || c == 'x') {
        if (count == 0) {
          error = room == 0 ? make_error_code(asio::error::would_block)
                            : make_error_code(asio::error::network_unreachable);
        }
        break;
      }
      --room;
      sent += c;
      ++count;
    }
    return count;
  }
};

struct Fixture {
  bool submit(std::string_view letters) {
    std::vector<Outgoing> out;
    for (std::size_t i = 0; i < letters.size(); ++i) {
      out.push_back({{}, as_bytes(letters.substr(i, 1))});
    }
    return queue.submit(out, std::ref(socket));
  }
  UdpDriverStats stats;
  FakeSocket socket;
  SendQueue queue{stats};
};

}  // namespace

TEST_CASE("With room everything goes out at once", "[io]") {
  Fixture f;
  f.socket.room = 10;
  CHECK_FALSE(f.submit("abc"));
  CHECK(f.socket.sent == "abc");
  CHECK(f.stats.sent == 3);
}

TEST_CASE("A refused datagram is counted and the rest goes out", "[io]") {
  Fixture f;
  f.socket.room = 10;
  CHECK_FALSE(f.submit("axxbx"));
  CHECK(f.socket.sent == "ab");
  CHECK(f.stats.send_failed == 3);
}

TEST_CASE("A full buffer queues what was already polled", "[io]") {
  Fixture f;
  f.socket.room = 2;
  CHECK_FALSE(f.queue.waiting());
  CHECK(f.submit("abcdefg"));
  CHECK(f.queue.waiting());
  CHECK(f.socket.sent == "ab");
  CHECK(f.stats.send_queued == 5);
  f.socket.room = 2;
  CHECK(f.queue.on_writable(std::ref(f.socket)));
  f.socket.room = 9;
  CHECK_FALSE(f.queue.on_writable(std::ref(f.socket)));
  CHECK_FALSE(f.queue.waiting());
  CHECK(f.socket.sent == "abcdefg");
  CHECK(f.stats.send_dropped == 0);
}

TEST_CASE("What waits lies one behind the other as runs must", "[io]") {
  Fixture f;
  CHECK(f.submit("abc"));
  CHECK_FALSE(f.submit("de"));
  bool joined = true;
  const auto look = [&](std::span<const Outgoing> datagrams, std::error_code&) {
    for (std::size_t i = 1; i < datagrams.size(); ++i) {
      joined = joined && datagrams[i].bytes.data() == datagrams[i - 1].bytes.data() + 1;
    }
    return datagrams.size();
  };
  CHECK_FALSE(f.queue.on_writable(look));
  CHECK(joined);
}

TEST_CASE("What waits goes first and waiting is announced once", "[io]") {
  Fixture f;
  CHECK(f.submit("a"));
  f.socket.room = 1;
  CHECK_FALSE(f.submit("b"));  // Does not overtake, though there is room.
  CHECK(f.socket.sent.empty());
  CHECK(f.queue.on_writable(std::ref(f.socket)));
  CHECK(f.socket.sent == "a");
  f.socket.room = 5;
  CHECK_FALSE(f.queue.on_writable(std::ref(f.socket)));
  CHECK(f.socket.sent == "ab");
  CHECK_FALSE(f.submit("c"));
  CHECK(f.socket.sent == "abc");
}

TEST_CASE("Closing a socket counts what still waited", "[io]") {
  Fixture f;
  CHECK(f.submit("ab"));
  f.queue.discard();
  CHECK(f.stats.send_dropped == 2);
  f.socket.room = 5;
  CHECK_FALSE(f.queue.on_writable(std::ref(f.socket)));
  CHECK(f.socket.sent.empty());
}
