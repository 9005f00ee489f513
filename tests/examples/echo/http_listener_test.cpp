// The HTTP interface through a real socket.
#include "echo/listening_server.hpp"
#include "support/catch.hpp"

using namespace echo_server;
using namespace parley;

TEST_CASE("statuses headers and bodies go through HTTP as they are", "[echo]") {
  Listening at;
  auto client = at.client();
  const auto page = client.Get("/");
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->get_header_value("Content-Type") == "text/html; charset=utf-8");
  const auto options = client.Options("/whip");
  REQUIRE(options);
  CHECK(options->status == 200);
  CHECK(options->get_header_value("Accept-Post") == "application/sdp");
  const auto refused = client.Post("/whip", "v=0", "text/plain");
  REQUIRE(refused);
  CHECK(refused->status == 415);
  CHECK(refused->get_header_value("Content-Type") == "application/problem+json");
  const auto none = client.Get("/whip");
  REQUIRE(none);
  CHECK(none->status == 204);
  const auto wrong = client.Put("/offer", "x", "text/plain");
  REQUIRE(wrong);
  CHECK(wrong->status == 405);
  CHECK(wrong->get_header_value("Allow") == "POST, OPTIONS");
  const auto missing = client.Delete("/whip/0123");
  REQUIRE(missing);
  CHECK(missing->status == 404);
}

TEST_CASE("the query names the stream and a session lives over HTTP", "[echo][rfc9725]") {
  Listening at;
  auto client = at.client();
  TestPeer publisher(at.server, {.audio = Direction::sendonly});
  const auto created = client.Post("/whip?stream=garden", publisher.offer, "application/sdp");
  REQUIRE(created);
  REQUIRE(created->status == 201);
  const auto location = created->get_header_value("Location");
  const auto patched = client.Patch(location, {{"If-Match", created->get_header_value("ETag")}},
                                    "a=end-of-candidates\r\n", "application/trickle-ice-sdpfrag");
  REQUIRE(patched);
  CHECK(patched->status == 204);
  TestPeer viewer(at.server, {.audio = Direction::recvonly});
  const auto elsewhere = client.Post("/whep", viewer.offer, "application/sdp");
  REQUIRE(elsewhere);
  CHECK(elsewhere->status == 409);
  const auto watched = client.Post("/whep?stream=garden", viewer.offer, "application/sdp");
  REQUIRE(watched);
  CHECK(watched->status == 201);
  const auto deleted = client.Delete(location);
  REQUIRE(deleted);
  CHECK(deleted->status == 200);
}

TEST_CASE("a body above the limit is refused", "[echo]") {
  Listening at;
  auto client = at.client();
  const auto answer = client.Post("/offer", std::string(kMaxBody + 1, ' '), "application/json");
  REQUIRE(answer);
  CHECK(answer->status == 413);
  CHECK(answer->get_header_value("Access-Control-Allow-Origin") == "*");
  CHECK_FALSE(answer->body.empty());
}

TEST_CASE("a port that is taken is an error", "[echo]") {
  Listening at;
  const auto second = HttpListener::create(at.server.interface, loopback_options().bind.front(),
                                           at.listener->port(), kMaxBody);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::io);
}
