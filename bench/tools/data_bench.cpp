// How fast data channels carry messages between two processes, what it costs, and what a second
// channel feels of it. Prints one JSON object.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "common/quantities.hpp"
#include "common/relay.hpp"
#include "data_end.hpp"
#include "parley/io/runtime.hpp"

namespace {

using bench::Pipe;
using namespace parley;

constexpr const char* kName = "data_bench";

/// What `--link` describes: one bottleneck each way.
struct LinkOption {
  DataRate rate;
  Duration round_trip{};
  double loss = 0;
};

std::optional<LinkOption> parse_link(const std::string& text) {
  std::istringstream in{text};
  std::string rate, round_trip, loss;
  if (!std::getline(in, rate, ',') || !std::getline(in, round_trip, ',') ||
      !std::getline(in, loss)) {
    return std::nullopt;
  }
  const auto bits = example::parse_rate(rate);
  const auto ms = example::parse_number(round_trip, {"ms"});
  const auto percent = example::parse_number(loss, {"%"});
  if (!bits || *bits == DataRate{} || !ms || *ms > 10'000 || !percent || *percent > 100) {
    return std::nullopt;
  }
  return LinkOption{*bits, from_seconds(*ms / 1000), *percent / 100};
}

sim::LinkConfig link_config(const LinkOption& option) {
  sim::LinkConfig config;
  config.rate = option.rate;
  config.delay = option.round_trip / 2;
  config.loss = option.loss;
  // A bandwidth-delay product of buffer, and never less than a switch has.
  config.queue_limit = std::max(DataSize::kilobytes(64), option.rate * option.round_trip);
  return config;
}

/// The description with its candidates replaced by the relay's.
std::string rewrite(example::Relay& relay, example::Side side, const std::string& description) {
  std::istringstream in{description};
  std::string out, line;
  while (std::getline(in, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with("a=candidate:")) {
      const auto changed = relay.rewrite(side, std::string_view{line}.substr(2));
      if (!changed) bench::give_up(kName, changed.error().to_string());
      line = "a=" + *changed;
    }
    out += line + "\r\n";
  }
  return out;
}

std::string must_read(Pipe& pipe) {
  auto text = pipe.read();
  if (!text) bench::give_up(kName, "a process ended early");
  return *text;
}

/// The process that stands between the two: passes descriptions on, is the link, adds up.
int coordinate(const bench::Transfer& transfer, const std::optional<LinkOption>& link, Pipe sender,
               Pipe receiver) {
  io::Runtime runtime;
  std::unique_ptr<example::Relay> relay;
  if (link) {
    runtime.run_sync(
        [&] { relay = std::make_unique<example::Relay>(runtime.driver(), link_config(*link), 1); });
  }
  const auto pass = [&](Pipe& from, Pipe& to, example::Side side) {
    std::string description = must_read(from);
    if (relay) description = runtime.run_sync([&] { return rewrite(*relay, side, description); });
    to.write(description);
  };
  pass(sender, receiver, example::Side::a);
  pass(receiver, sender, example::Side::b);
  const auto sent = nlohmann::json::parse(must_read(sender));
  const auto received = nlohmann::json::parse(must_read(receiver));
  sender.write("done");
  receiver.write("done");

  const double bytes = received["bytes"];
  const double cpu = double{sent["cpuSeconds"]} + double{received["cpuSeconds"]};
  nlohmann::ordered_json result;
  result["messageSize"] = transfer.message_size;
  result["seconds"] = received["elapsedSeconds"];
  if (link) {
    result["link"] = {{"megabitsPerSecond", link->rate.kilobits_per_second() / 1000},
                      {"roundTripMs", to_milliseconds(link->round_trip)},
                      {"lossPercent", 100 * link->loss}};
  }
  result["messages"] = received["messages"];
  result["wrongLength"] = received["wrongLength"];
  result["megabytesPerSecond"] = bytes / 1e6 / double{received["elapsedSeconds"]};
  result["cpuSecondsPerGigabyte"] = bytes > 0 ? cpu / (bytes / 1e9) : 0;
  result["pings"] = sent["pings"];
  result["pingP50Ms"] = sent["pingP50Ms"];
  result["pingP95Ms"] = sent["pingP95Ms"];
  std::printf("%s\n", result.dump(2).c_str());
  if (relay) runtime.run_sync([&] { relay.reset(); });
  return received["wrongLength"] == 0 && bytes > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Bulk transfer over a data channel between two processes; one JSON object."};
  bench::Transfer transfer;
  std::string link_text;
  bool unordered = false;
  app.add_option("--message-size", transfer.message_size, "Bytes per message (65536)")
      ->check(CLI::Range(1, 256 * 1024));
  app.add_option("--seconds", transfer.seconds, "Length of the measurement (5)")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--link", link_text,
                 "An emulated link instead of bare loopback, for instance "
                 "100M,50ms,1%")
      ->type_name("RATE,RTT,LOSS");
  app.add_option("--mtu", transfer.mtu, "Largest UDP payload in bytes")
      ->check(CLI::Range(576, 1500));
  app.add_flag("--unordered", unordered, "An unordered channel");
  CLI11_PARSE(app, argc, argv);
  transfer.ordered = !unordered;
  std::optional<LinkOption> link;
  if (!link_text.empty() && !(link = parse_link(link_text))) {
    bench::give_up(kName, "--link: '" + link_text + "' is not RATE,RTT,LOSS such as 100M,50ms,1%");
  }

  Pipe::Ends to_sender = Pipe::make(), to_receiver = Pipe::make();
  // Before any thread: a forked process has only the thread that forked.
  const pid_t sender = fork();
  if (sender == 0) {
    {
      Pipe unused{std::move(to_sender.first)}, other{std::move(to_receiver.first)},
          third{std::move(to_receiver.second)};
    }
    bench::run_sender(transfer, std::move(to_sender.second));
    return 0;
  }
  const pid_t receiver = fork();
  if (receiver == 0) {
    {
      Pipe unused{std::move(to_sender.first)}, other{std::move(to_sender.second)},
          third{std::move(to_receiver.first)};
    }
    bench::run_receiver(transfer, std::move(to_receiver.second));
    return 0;
  }
  { Pipe unused{std::move(to_sender.second)}, other{std::move(to_receiver.second)}; }
  int status = coordinate(transfer, link, std::move(to_sender.first), std::move(to_receiver.first));
  for (const pid_t child : {sender, receiver}) {
    int ended = 0;
    if (waitpid(child, &ended, 0) != child || ended != 0) status = 1;
  }
  return status;
}
