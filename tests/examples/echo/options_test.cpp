#include "echo_server/options.hpp"

#include <vector>

#include "echo_client/options.hpp"
#include "support/catch.hpp"

namespace {

std::variant<echo_server::Options, example::Stop> server(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "echo_server");
  return echo_server::parse_options(static_cast<int>(arguments.size()), arguments.data());
}

std::variant<echo_client::Options, example::Stop> client(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "echo_client");
  return echo_client::parse_options(static_cast<int>(arguments.size()), arguments.data());
}

}  // namespace

TEST_CASE("the options of the server are read", "[echo]") {
  const auto parsed = server({"--http-port", "0", "--udp-port", "5000", "--bind", "127.0.0.1",
                              "--bind", "::1", "--ice-server", "stun:stun.example.org",
                              "--public-address", "203.0.113.9", "--token", "x", "--transcode"});
  const auto* options = std::get_if<echo_server::Options>(&parsed);
  REQUIRE(options != nullptr);
  CHECK(options->http_port == 0);
  CHECK(options->udp_port == 5000);
  CHECK(options->bind.size() == 2);
  CHECK(options->public_addresses.size() == 1);
  CHECK(options->transcode);
}

TEST_CASE("a wildcard among the server's addresses means all of them", "[echo]") {
  const auto parsed = server({"--bind", "0.0.0.0"});
  REQUIRE(std::holds_alternative<echo_server::Options>(parsed));
  CHECK(std::get<echo_server::Options>(parsed).bind.empty());
}

TEST_CASE("options that mean nothing end the server with status 2 and one line", "[echo]") {
  for (const auto& arguments :
       std::vector<std::vector<const char*>>{{"--http-port", "70000"},
                                             {"--http-port", "x"},
                                             {"--bind", "localhost"},
                                             {"--ice-server", "http://example.org"},
                                             {"--public-address", "1.2.3"},
                                             {"--nonsense"}}) {
    const auto parsed = server(arguments);
    const auto* stop = std::get_if<example::Stop>(&parsed);
    REQUIRE(stop != nullptr);
    CHECK(stop->status == 2);
    CHECK_FALSE(stop->text.empty());
    CHECK(stop->text.find('\n') == std::string::npos);
  }
}

TEST_CASE("the client takes a URL with and without a path", "[echo]") {
  const auto bare = client({"http://127.0.0.1:8080", "-t", "2", "--timeout", "3"});
  const auto* options = std::get_if<echo_client::Options>(&bare);
  REQUIRE(options != nullptr);
  CHECK(options->server == "http://127.0.0.1:8080");
  CHECK(options->path == "/offer");
  CHECK(options->test == echo_client::Test::media);
  CHECK(options->timeout == std::chrono::seconds{3});
  const auto slash = client({"http://[::1]:8080/"});
  REQUIRE(std::holds_alternative<echo_client::Options>(slash));
  CHECK(std::get<echo_client::Options>(slash).path == "/offer");
  const auto deep = client({"https://example.org/a/offer"});
  REQUIRE(std::holds_alternative<echo_client::Options>(deep));
  CHECK(std::get<echo_client::Options>(deep).path == "/a/offer");
}

TEST_CASE("options that mean nothing end the client with status 2", "[echo]") {
  for (const auto& arguments : std::vector<std::vector<const char*>>{{},
                                                                     {"127.0.0.1:8080"},
                                                                     {"http://"},
                                                                     {"http://h", "-t", "3"},
                                                                     {"http://h", "--bind", "h"}}) {
    const auto parsed = client(arguments);
    const auto* stop = std::get_if<example::Stop>(&parsed);
    REQUIRE(stop != nullptr);
    CHECK(stop->status == 2);
  }
}
