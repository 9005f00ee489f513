// How long two new PeerConnections take to an open data channel, and what an open pair weighs.
// Prints one JSON object.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <asio/io_context.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "parley/io/udp_driver.hpp"
#include "parley/peer_connection.hpp"
#include "process.hpp"

namespace {

using namespace parley;

constexpr const char* kName = "connect_bench";

void must(const Result<void>& result) {
  if (!result) bench::give_up(kName, result.error().to_string());
}

/// Two connections of this process that call each other, as applications do: descriptions and
/// candidates go over as soon as they are there.
class Pair {
 public:
  Pair(Driver& driver, const Configuration& config)
      : driver_(driver), begun_(driver.now()), offerer_(make(config)), answerer_(make(config)) {
    trickle(*offerer_, *answerer_);
    trickle(*answerer_, *offerer_);
    answerer_->on_data_channel([this](DataChannel channel) {
      theirs_ = channel;
      note_open();
    });
    auto channel = offerer_->create_data_channel("data");
    if (!channel) bench::give_up(kName, channel.error().to_string());
    ours_ = *channel;
    ours_->on_open([this] { note_open(); });
    const auto offer = offerer_->set_local_description();
    if (!offer) bench::give_up(kName, offer.error().to_string());
    must(answerer_->set_remote_description(*offer));
    const auto answer = answerer_->set_local_description();
    if (!answer) bench::give_up(kName, answer.error().to_string());
    must(offerer_->set_remote_description(*answer));
  }

  /// From creation to the channel open at both ends.
  const std::optional<Duration>& took() const { return took_; }
  std::string failure() const {
    return offerer_->failure_reason() + " " + answerer_->failure_reason();
  }

 private:
  std::unique_ptr<PeerConnection> make(const Configuration& config) {
    auto made = PeerConnection::create(driver_, config);
    if (!made) bench::give_up(kName, made.error().to_string());
    return std::move(*made);
  }
  static void trickle(PeerConnection& from, PeerConnection& to) {
    from.on_ice_candidate(
        [&to](const IceCandidate& candidate) { must(to.add_ice_candidate(candidate)); });
  }
  void note_open() {
    if (theirs_ && ours_->state() == DataChannelState::open) took_ = driver_.now() - begun_;
  }

  Driver& driver_;
  Timestamp begun_;
  std::unique_ptr<PeerConnection> offerer_, answerer_;
  std::optional<DataChannel> ours_, theirs_;
  std::optional<Duration> took_;
};

double percentile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Sets up pairs of PeerConnections one after another; one JSON object."};
  int pairs = 100;
  bool shared_certificate = false;
  app.add_option("--pairs", pairs, "How many (100)")->check(CLI::Range(1, 100'000));
  app.add_flag("--shared-certificate", shared_certificate,
               "One certificate for all instead of one for each");
  CLI11_PARSE(app, argc, argv);

  asio::io_context context{1};
  io::UdpDriver driver{context};
  Configuration config;
  config.network.include_loopback = true;
  config.network.bind_addresses = {IpAddress::loopback(AddressFamily::ipv4)};
  if (shared_certificate) {
    const std::chrono::sys_seconds today =
        std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    auto made = dtls::Identity::create(
        {.not_before = today - std::chrono::hours{24}, .not_after = today + std::chrono::hours{24}},
        driver.random());
    if (!made) bench::give_up(kName, made.error().to_string());
    config.identity = std::move(*made);
  }

  // What only the first pair pays (tables of the crypto library, the heap's first pages) is not
  // what a pair costs.
  std::vector<std::unique_ptr<Pair>> open;
  std::vector<double> took_ms;
  const auto connect = [&] {
    open.push_back(std::make_unique<Pair>(driver, config));
    Pair& pair = *open.back();
    while (!pair.took()) {
      if (context.run_one_for(std::chrono::seconds{10}) == 0) {
        bench::give_up(kName, "no open channel within 10 s: " + pair.failure());
      }
    }
    took_ms.push_back(to_milliseconds(*pair.took()));
  };
  connect();
  took_ms.clear();
  const std::size_t resident_before = bench::resident_bytes();
  const double cpu_before = bench::cpu_seconds();
  for (int i = 0; i < pairs; ++i) connect();
  const double cpu = bench::cpu_seconds() - cpu_before;
  const std::size_t resident = bench::resident_bytes() - resident_before;

  std::sort(took_ms.begin(), took_ms.end());
  nlohmann::ordered_json result;
  result["pairs"] = pairs;
  result["connectP50Ms"] = percentile(took_ms, 0.50);
  result["connectP99Ms"] = percentile(took_ms, 0.99);
  result["connectMaxMs"] = took_ms.back();
  result["cpuMsPerPair"] = 1000 * cpu / pairs;
  result["residentKibPerPair"] = static_cast<double>(resident) / 1024 / pairs;
  result["threads"] = bench::threads();
  std::printf("%s\n", result.dump(2).c_str());
  return 0;
}
