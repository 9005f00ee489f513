#include <algorithm>
#include <fstream>
#include <sstream>

#include "examples/scratch_dir.hpp"
#include "file_transfer/manifest.hpp"
#include "file_transfer/messages.hpp"
#include "file_transfer/progress_bar.hpp"
#include "file_transfer/receiving.hpp"
#include "file_transfer/sending.hpp"
#include "file_transfer/signalling.hpp"
#include "parley/peer_connection.hpp"
#include "parley/sim/host.hpp"
#include "parley/sim/network.hpp"
#include "support/catch.hpp"

namespace file_transfer {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using loopback_call::ScratchDir;
using parley::SdpType;
using parley::SessionDescription;

std::string content(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>((seed = seed * 1664525u + 1013904223u) >> 24);
  return text;
}
void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}
std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A sender and a receiver on a simulated network.
class Scene {
 public:
  explicit Scene(parley::sim::LinkConfig link = {.delay = 10ms}) : network_(7) {
    a_ = &network_.add_host({.name = "a", .addresses = {parley::IpAddress::v4(10, 0, 0, 1)}});
    b_ = &network_.add_host({.name = "b", .addresses = {parley::IpAddress::v4(10, 0, 0, 2)}});
    network_.connect(*a_, *b_, link);
    network_.connect(*b_, *a_, link);
    pc_a_ = *parley::PeerConnection::create(*a_);
    pc_b_ = *parley::PeerConnection::create(*b_);
    trickle(*pc_a_, *pc_b_);
    trickle(*pc_b_, *pc_a_);
  }

  void transfer(const fs::path& from, const fs::path& to) {
    auto files = list_files(from);
    REQUIRE(files);
    auto channel =
        pc_a_->create_data_channel(kChannelLabel, {.protocol = std::string(kChannelProtocol)});
    REQUIRE(channel);
    sending = Sending::create(*a_, *channel, from, *files,
                              [this](const std::string& reason) { sent = reason; });
    pc_b_->on_data_channel([this, to](parley::DataChannel theirs) {
      receiving = Receiving::create(*b_, theirs, to,
                                    [this](const std::string& reason) { received = reason; });
      receiving_channel = theirs;
    });
    const auto offer = pc_a_->set_local_description();
    REQUIRE(offer);
    REQUIRE(pc_b_->set_remote_description(*offer));
    const auto answer = pc_b_->set_local_description();
    REQUIRE(answer);
    REQUIRE(pc_a_->set_remote_description(*answer));
  }
  bool run_until_done(parley::Duration limit = 120s) {
    return network_.run_until([this] { return sent && received; }, limit);
  }
  parley::sim::Network& network() { return network_; }

 private:
  void trickle(parley::PeerConnection& from, parley::PeerConnection& to) {
    from.on_ice_candidate([&to](const parley::IceCandidate& candidate) {
      (void)to.add_ice_candidate(candidate).has_value();
    });
  }
  parley::sim::Network network_;
  parley::sim::Host* a_ = nullptr;
  parley::sim::Host* b_ = nullptr;
  std::unique_ptr<parley::PeerConnection> pc_a_, pc_b_;

 public:
  std::shared_ptr<Sending> sending;
  std::shared_ptr<Receiving> receiving;
  std::optional<parley::DataChannel> receiving_channel;
  std::optional<std::string> sent, received;
};

TEST_CASE("a folder arrives with the same files and contents over a lossy path",
          "[example][file_transfer]") {
  ScratchDir from, to;
  const std::string large = content(3'000'000, 1);
  write(from.path() / "large.bin", large);
  write(from.path() / "sub/deeper/empty", "");
  write(from.path() / "sub/one byte", "x");
  Scene scene({.delay = 10ms, .loss = 0.01});
  scene.transfer(from.path(), to.path());
  REQUIRE(scene.run_until_done());
  CHECK(*scene.sent == "");
  CHECK(*scene.received == "");
  CHECK(read(to.path() / "large.bin") == large);
  CHECK(fs::exists(to.path() / "sub/deeper/empty"));
  CHECK(read(to.path() / "sub/one byte") == "x");
  CHECK(scene.receiving->progress().bytes_done == large.size() + 1);
  for (const auto& entry : fs::recursive_directory_iterator(to.path())) {
    CHECK(entry.path().extension() != ".part");
  }
}

TEST_CASE("an interrupted transfer goes on where it ended", "[example][file_transfer]") {
  ScratchDir from, to;
  const std::string large = content(2'000'000, 2);
  write(from.path() / "large.bin", large);
  {
    Scene scene({.delay = 10ms, .rate = parley::DataRate::kilobits_per_second(8000)});
    scene.transfer(from.path(), to.path());
    REQUIRE(scene.network().run_until(
        [&] { return scene.receiving && scene.receiving->progress().bytes_done > 1'000'000; },
        60s));
  }
  REQUIRE(fs::exists(to.path() / "large.bin.part"));
  REQUIRE_FALSE(fs::exists(to.path() / "large.bin"));
  Scene again;
  again.transfer(from.path(), to.path());
  REQUIRE(again.run_until_done());
  CHECK(*again.sent == "");
  CHECK(again.sending->progress().bytes_kept > 900'000);
  CHECK(again.receiving->progress().bytes_kept == again.sending->progress().bytes_kept);
  CHECK(read(to.path() / "large.bin") == large);
}

TEST_CASE("what is there already and the same is not sent again", "[example][file_transfer]") {
  ScratchDir from, to;
  write(from.path() / "same", content(100'000, 3));
  write(to.path() / "same", content(100'000, 3));
  write(from.path() / "other", content(100'000, 4));
  write(to.path() / "other", content(100'000, 5));
  Scene scene;
  scene.transfer(from.path(), to.path());
  REQUIRE(scene.run_until_done());
  CHECK(*scene.received == "");
  CHECK(scene.receiving->progress().bytes_kept == 100'000);
  CHECK(read(to.path() / "other") == content(100'000, 4));
}

TEST_CASE("a receiver that cannot write tells the sender why", "[example][file_transfer]") {
  ScratchDir from, to;
  write(from.path() / "a/b", "text");
  write(to.path() / "a", "a file where a folder should be");
  Scene scene;
  scene.transfer(from.path(), to.path());
  REQUIRE(scene.run_until_done());
  CHECK(scene.received->find("cannot write") != std::string::npos);
  CHECK(scene.sent->find("the receiver: cannot write") != std::string::npos);
}

TEST_CASE("names that leave the receiving folder are refused", "[example][file_transfer]") {
  for (const char* path :
       {"../x", "a/../../x", "/etc/passwd", "a//b", "", ".", "a/", "a\\b", "a\nb"}) {
    CAPTURE(path);
    CHECK_FALSE(target_of("/tmp/folder", path));
  }
  CHECK(*target_of("/tmp/folder", "a/b.txt") == fs::path("/tmp/folder/a/b.txt"));
}

TEST_CASE("messages of the protocol survive being written and parsed", "[example][file_transfer]") {
  const auto through = [](const Message& message) { return parse_message(to_json(message)); };
  const auto manifest = through(message::Manifest{{{"a/b", 5}, {"c", 1ull << 40}}, true});
  REQUIRE(manifest);
  CHECK(std::get<message::Manifest>(*manifest).files[1].size == 1ull << 40);
  CHECK(std::get<message::Manifest>(*manifest).more);
  CHECK(std::get<message::Begin>(*through(message::Begin{3, 70})).offset == 70);
  for (const char* text :
       {"", "{}", "[]", R"({"type":"begin"})", R"({"type":"begin","index":"x","offset":1})",
        R"({"type":"what"})", "\xff"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_message(text));
  }
}

TEST_CASE("a description survives copy and paste with other text around it",
          "[example][file_transfer]") {
  const SessionDescription offer{SdpType::offer, "v=0\r\ns=-\r\n" + std::string(500, 'x')};
  std::ostringstream out;
  write_block(out, offer);
  std::string pasted = out.str();
  for (std::size_t at = 0; (at = pasted.find('\n', at)) != std::string::npos; at += 2) {
    pasted.replace(at, 1, "\r\n");
  }
  std::istringstream in("a prompt\n" + pasted + "more\n");
  const auto read_back = read_block(in);
  REQUIRE(read_back);
  CHECK(read_back->type == SdpType::offer);
  CHECK(read_back->sdp == offer.sdp);
  std::istringstream cut(pasted.substr(0, pasted.size() / 2));
  CHECK_FALSE(read_block(cut));
  std::istringstream damaged("-----BEGIN PARLEY OFFER-----\n!!!!\n-----END PARLEY OFFER-----\n");
  CHECK_FALSE(read_block(damaged));
}

TEST_CASE("sizes and progress read as people write them", "[example][file_transfer]") {
  CHECK(size_text(999) == "999 bytes");
  CHECK(size_text(1234) == "1.23 kB");
  CHECK(size_text(352'400'000) == "352.4 MB");
  Progress progress{.files = 1, .bytes = 1000, .bytes_done = 500, .current = "x"};
  const std::string line = bar_line(progress, 100, 110);
  CHECK(line.find(" 50 %") != std::string::npos);
  CHECK(line.find("0:05 left") != std::string::npos);
  CHECK(bar_line(progress, 100, 20).size() == 20);
}

}  // namespace
}  // namespace file_transfer
