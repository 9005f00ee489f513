// Back-pressure on what is received: DataChannel::pause and resume.
#include "data_scene.hpp"

using namespace parley;
using namespace parley::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kWindow = 256 * 1024;

DataScene::Options small_window() {
  auto options = DataScene::data_only();
  options.a.data.receive_window = options.b.data.receive_window = kWindow;
  return options;
}

/// Sends numbered messages, as many as the connection takes at a time.
struct Source {
  Source(DataChannel c, int count, std::size_t size) : channel(std::move(c)), left(count) {
    message.resize(size, 'x');
    channel.on_writable([this] { send(); });
    send();
  }
  void send() {
    for (; left > 0; --left, ++next) {
      const std::string text = std::to_string(next) + message;
      if (!channel.send(text)) return;
    }
  }
  DataChannel channel;
  std::string message;
  int left;
  int next = 0;
};

bool in_order(const std::vector<std::string>& messages) {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].starts_with(std::to_string(i) + "x")) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a paused channel holds its peer back and loses nothing", "[peer][rfc9260]") {
  DataScene s(small_window());
  const auto ours = s.open(s.a);
  s.connect();
  const auto theirs = s.announced_to_b[0];
  theirs->channel.pause();
  constexpr int kCount = 400;
  constexpr std::size_t kSize = 16 * 1024;
  Source source(ours->channel, kCount, kSize);
  // Longer than any timer of SCTP's that counts errors: a closed window is none.
  s.network().run_for(120s);
  CHECK(theirs->messages.empty());
  CHECK(s.connected());
  CHECK(ours->channel.buffered_amount() > kCount * kSize - 4 * kWindow);
  theirs->channel.resume();
  REQUIRE(s.run_until([&] { return theirs->messages.size() == kCount; }));
  CHECK(in_order(theirs->messages));
}

TEST_CASE("a channel that is paused inside its handler hears one message at a time", "[peer]") {
  DataScene s;
  const auto ours = s.open(s.a);
  s.connect();
  const auto theirs = s.announced_to_b[0];
  std::vector<std::string> heard;
  theirs->channel.on_message([&, channel = theirs->channel](DataMessage& message) mutable {
    heard.emplace_back(message.text());
    channel.pause();
  });
  Source source(ours->channel, 20, 10);
  for (std::size_t i = 1; i <= 20; ++i) {
    s.network().run_for(100ms);
    REQUIRE(heard.size() == i);
    theirs->channel.resume();
  }
  CHECK(in_order(heard));
}

TEST_CASE("while the window has room a paused channel does not hold the others", "[peer]") {
  DataScene s(small_window());
  const auto ours = s.open(s.a);
  const auto other = s.open(s.a, "other");
  s.connect();
  auto paused = s.announced_to_b[0];
  auto live = s.announced_to_b[1];
  if (paused->channel.label() == "other") std::swap(paused, live);
  paused->channel.pause();
  Source source(ours->channel, 10, 1000);
  Source more(other->channel, 1000, 1000);
  REQUIRE(s.run_until([&] { return live->messages.size() == 1000; }));
  CHECK(paused->messages.empty());
}

TEST_CASE("a channel that is closed tells what a pause kept before its end", "[peer]") {
  DataScene s;
  const auto ours = s.open(s.a);
  s.connect();
  const auto theirs = s.announced_to_b[0];
  theirs->channel.pause();
  Source source(ours->channel, 5, 100);
  s.network().run_for(1s);
  REQUIRE(theirs->messages.empty());
  std::size_t before_end = 0;
  theirs->channel.on_close([&](std::string_view) { before_end = theirs->messages.size(); });
  SECTION("by the peer") { ours->channel.close(); }
  SECTION("by this side") { theirs->channel.close(); }
  SECTION("with the connection") { s.a.pc->close(); }
  s.network().run_for(1s);
  CHECK(before_end == 5);
  CHECK(in_order(theirs->messages));
  // What is gone can be asked for anything.
  theirs->channel.pause();
  theirs->channel.resume();
}
