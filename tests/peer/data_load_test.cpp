// Data channels under load and on bad networks, beside media, and the same twice.
#include <algorithm>
#include <set>

#include "data_scene.hpp"

namespace parley::test {
namespace {

CallScene::Options lossy(double loss, Duration delay = 10ms) {
  CallScene::Options options = DataScene::data_only();
  options.link = {.delay = delay, .loss = loss};
  return options;
}

std::string numbered(int number, std::size_t size) {
  std::string text = std::to_string(number) + ":";
  text.resize(std::max(size, text.size()), '.');
  return text;
}
int number_of(const std::string& text) { return std::stoi(text); }

TEST_CASE("a reliable channel loses nothing and keeps its order over 5 percent loss",
          "[peer][data]") {
  DataScene scene{lossy(0.05)};
  const auto sent = scene.open(scene.a);
  scene.connect();
  const auto got = scene.announced_to_b.at(0);
  for (int i = 0; i < 500; ++i) REQUIRE(sent->channel.send(numbered(i, 3000)));
  REQUIRE(scene.run_until([&] { return got->messages.size() == 500; }, 60s));
  for (int i = 0; i < 500; ++i) {
    CHECK(got->messages[static_cast<std::size_t>(i)] == numbered(i, 3000));
  }
}

TEST_CASE("an unordered channel without retransmissions loses some and repeats none",
          "[peer][data][rfc3758]") {
  DataScene scene{lossy(0.10)};
  const auto sent = scene.open(scene.a, "game", {.ordered = false, .max_retransmits = 0});
  scene.connect();
  const auto got = scene.announced_to_b.at(0);
  scene.run_for(200ms);  // the opening is acknowledged
  for (int i = 0; i < 500; ++i) {
    REQUIRE(sent->channel.send(numbered(i, 500)));
    scene.run_for(2ms);
  }
  scene.run_for(5s);
  std::set<int> numbers;
  for (const auto& message : got->messages) {
    CHECK(numbers.insert(number_of(message)).second);
  }
  CHECK(numbers.size() < 490);
  CHECK(numbers.size() > 380);
  // Nothing is left behind: a channel beside it and its own closing go on.
  sent->channel.close();
  CHECK(scene.run_until([&] { return got->closed == 1; }));
}

TEST_CASE("messages beyond their lifetime are given up and the rest comes in order",
          "[peer][data][rfc3758]") {
  DataScene scene{lossy(0)};
  const auto sent =
      scene.open(scene.a, "fresh", {.max_packet_lifetime = std::chrono::milliseconds{100}});
  scene.connect();
  const auto got = scene.announced_to_b.at(0);
  scene.set_link({.delay = 10ms, .loss = 1.0});
  for (int i = 0; i < 10; ++i) REQUIRE(sent->channel.send(numbered(i, 100)));
  scene.run_for(500ms);
  scene.set_link({.delay = 10ms});
  for (int i = 10; i < 20; ++i) REQUIRE(sent->channel.send(numbered(i, 100)));
  REQUIRE(scene.run_until(
      [&] { return !got->messages.empty() && number_of(got->messages.back()) == 19; }));
  CHECK(got->messages.size() == 10);
  CHECK(number_of(got->messages.front()) == 10);
}

TEST_CASE("a sender that obeys queue_full and on_writable loses nothing", "[peer][data]") {
  CallScene::Options options = lossy(0.01);
  options.a.data.send_buffer = 64 * 1024;
  DataScene scene{options};
  const auto sent = scene.open(scene.a);
  scene.connect();
  const auto got = scene.announced_to_b.at(0);
  constexpr int kMessages = 300;
  int next = 0, refusals = 0;
  const auto fill = [&] {
    while (next < kMessages) {
      std::string message = numbered(next, 10'000);
      std::vector<std::uint8_t> bytes(message.begin(), message.end());
      const auto result = sent->channel.send(std::move(bytes));
      if (!result) {
        CHECK(result.error().code == Errc::queue_full);
        CHECK(bytes.size() == 10'000);
        ++refusals;
        return;
      }
      ++next;
      CHECK(sent->channel.buffered_amount() <= 64 * 1024);
    }
  };
  sent->channel.on_writable(fill);
  fill();
  REQUIRE(scene.run_until([&] { return got->messages.size() == kMessages; }, 60s));
  for (int i = 0; i < kMessages; ++i) {
    CHECK(number_of(got->messages[static_cast<std::size_t>(i)]) == i);
  }
  CHECK(refusals > 5);
}

TEST_CASE("the low threshold tells when the buffer has drained", "[peer][data]") {
  DataScene scene{lossy(0)};
  const auto sent = scene.open(scene.a);
  scene.connect();
  sent->channel.set_buffered_amount_low_threshold(50'000);
  for (int i = 0; i < 40; ++i) REQUIRE(sent->channel.send(numbered(i, 10'000)));
  CHECK(sent->channel.buffered_amount() == 400'000);
  std::size_t at_event = 0;
  sent->channel.on_buffered_amount_low([&] { at_event = sent->channel.buffered_amount(); });
  REQUIRE(scene.run_until([&] { return at_event != 0; }));
  CHECK(at_event <= 50'000);
  REQUIRE(scene.run_until([&] { return sent->channel.buffered_amount() == 0; }));
}

TEST_CASE("an application that does not look holds the sender back and loses nothing",
          "[peer][data]") {
  CallScene::Options options = lossy(0);
  options.b.data.receive_window = 100'000;
  DataScene scene{options};
  const auto sent = scene.open(scene.a);
  scene.connect();
  for (int i = 0; i < 200; ++i) REQUIRE(sent->channel.send(numbered(i, 10'000)));
  const auto got = scene.announced_to_b.at(0);
  REQUIRE(scene.run_until([&] { return got->messages.size() == 200; }, 30s));
}

TEST_CASE("a bulk transfer beside a call over loss leaves pictures and sound alone",
          "[peer][data]") {
  CallScene::Options options;
  options.seed = 21;
  options.link = {.delay = 20ms,
                  .rate = DataRate::kilobits_per_second(20'000),
                  .queue_limit = DataSize::kilobytes(250),
                  .loss = 0.01};
  DataScene scene{options};
  const auto sent = scene.open(scene.a, "bulk");
  scene.start();
  REQUIRE(scene.run_until([&] { return scene.connected() && sent->opened == 1; }));
  // Fills the path for as long as it is asked.
  const std::string block(64 * 1024, 'x');
  const auto fill = [&] {
    while (sent->channel.buffered_amount() < 512 * 1024 && sent->channel.send(block)) {
    }
  };
  sent->channel.set_buffered_amount_low_threshold(256 * 1024);
  sent->channel.on_buffered_amount_low(fill);
  fill();
  scene.run_media(3s);
  REQUIRE(scene.announced_to_b.size() == 1);
  const auto& got = scene.announced_to_b[0];
  CHECK(got->messages.size() > 10);
  CHECK((std::all_of(got->messages.begin(), got->messages.end(),
                     [&](const std::string& message) { return message == block; })));
  for (const Side* side : {&scene.a, &scene.b}) {
    const Side& other = side == &scene.a ? scene.b : scene.a;
    const double shown = static_cast<double>(side->frames_shown) / other.frames_sent;
    INFO("shown " << shown << " messages " << got->messages.size());
    CHECK(shown >= 0.95);
    CHECK_FALSE(side->out_of_order);
    CHECK(side->worst_psnr > 25);
  }
}

/// What an application sees, with its times.
std::vector<std::pair<Timestamp, std::string>> diary(std::uint64_t seed) {
  CallScene::Options options = lossy(0.03, 25ms);
  options.seed = seed;
  options.link.jitter = 5ms;
  DataScene scene{options};
  std::vector<std::pair<Timestamp, std::string>> lines;
  scene.b.pc->on_data_channel([&](DataChannel channel) {
    lines.emplace_back(scene.now(), "channel " + channel.label());
    channel.on_message([&](DataMessage& message) {
      lines.emplace_back(scene.now(), std::string{message.text()});
    });
    channel.on_close([&](std::string_view) { lines.emplace_back(scene.now(), "closed"); });
  });
  auto channel = *scene.a.pc->create_data_channel("diary");
  scene.negotiate(scene.a, scene.b);
  for (int i = 0; i < 100; ++i) {
    scene.run_for(20ms);
    (void)channel.send(numbered(i, static_cast<std::size_t>(i) * 100)).has_value();
  }
  channel.close();
  scene.run_for(5s);
  return lines;
}

TEST_CASE("two runs of a seed give an application the same at the same times", "[peer][data]") {
  const auto first = diary(5);
  CHECK(first.size() > 50);
  CHECK(first.back().second == "closed");
  CHECK((first == diary(5)));
  CHECK((first != diary(6)));
}

}  // namespace
}  // namespace parley::test
