// POST /offer: the contract of the interoperability projects.
#include <nlohmann/json.hpp>

#include "echo/server_fixture.hpp"
#include "parley/sdp/description.hpp"
#include "support/catch.hpp"

using namespace echo_server;
using namespace parley;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

std::string offer_json(const std::string& sdp) {
  return json{{"type", "offer"}, {"sdp", sdp}}.dump();
}

json parsed(const HttpResponse& response) { return json::parse(response.body, nullptr, false); }

}  // namespace

TEST_CASE("an offer is answered with an id and all candidates", "[echo]") {
  ServerFixture server;
  TestPeer peer(server, {.audio = Direction::sendrecv, .video = Direction::sendrecv});
  const auto response = server.send("POST", "/offer", offer_json(peer.offer), "application/json");
  REQUIRE(response.status == 200);
  CHECK(header(response, "Access-Control-Allow-Origin") == "*");
  const json answer = parsed(response);
  CHECK(answer.at("type") == "answer");
  const std::string id = answer.at("id");
  CHECK(id.size() == 32);
  const auto sdp = sdp::Description::parse(answer.at("sdp").get<std::string>());
  REQUIRE(sdp);
  REQUIRE(sdp->media.size() == 2);
  CHECK(sdp->media[0].candidates.size() == 1);
  CHECK(sdp->media[0].candidates[0].find(" 127.0.0.1 ") != std::string::npos);
  CHECK(sdp->direction_of(sdp->media[1]) == Direction::sendrecv);

  REQUIRE(peer.accept(answer.at("sdp")));
  REQUIRE(peer.connects());
  const auto stats = server.send("GET", "/stats/" + id);
  CHECK(stats.status == 200);
  const json objects = parsed(stats);
  REQUIRE(objects.is_array());
  CHECK(std::any_of(objects.begin(), objects.end(),
                    [](const json& o) { return o.at("type") == "transport"; }));
  CHECK(parsed(server.send("GET", "/peers/" + id)).at("state") == "connected");
}

TEST_CASE("a peer that hangs up is released and its figures stay for a while", "[echo]") {
  ServerFixture server;
  TestPeer peer(server, {.audio = Direction::sendrecv});
  const json answer = parsed(server.send("POST", "/offer", offer_json(peer.offer)));
  REQUIRE(peer.accept(answer.at("sdp")));
  REQUIRE(peer.connects());
  CHECK(server.peer_count() == 1);
  peer.close();
  CHECK(eventually([&] { return server.peer_count() == 0; }));
  const std::string id = answer.at("id");
  CHECK(server.send("GET", "/stats/" + id).status == 200);
  CHECK(parsed(server.send("GET", "/peers/" + id)).at("state") == "closed");
}

TEST_CASE("malformed offers are refused with the reason", "[echo]") {
  ServerFixture server;
  const auto refused = [&](const std::string& body) {
    const auto response = server.send("POST", "/offer", body);
    CHECK_FALSE(parsed(response).value("detail", "").empty());
    return response.status;
  };
  CHECK(refused("") == 400);
  CHECK(refused("[1,2]") == 400);
  CHECK(refused("{\"type\":\"offer\"") == 400);
  CHECK(refused("{\"type\":\"offer\"}") == 400);
  CHECK(refused("{\"type\":\"offer\",\"sdp\":7}") == 400);
  CHECK(refused("{\"type\":\"answer\",\"sdp\":\"v=0\"}") == 400);
  CHECK(refused(offer_json("v=0\r\n")) == 400);
  CHECK(refused(offer_json("hello")) == 400);
  // A section without fingerprint and credentials.
  CHECK(refused(offer_json("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                           "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
                           "a=rtpmap:111 opus/48000/2\r\n")) == 400);
  CHECK(server.peer_count() == 0);
}

TEST_CASE("more peers than allowed are asked to come again", "[echo]") {
  Options options = loopback_options();
  options.max_peers = 1;
  ServerFixture server(options);
  TestPeer one(server, {.audio = Direction::sendrecv});
  TestPeer two(server, {.audio = Direction::sendrecv});
  CHECK(server.send("POST", "/offer", offer_json(one.offer)).status == 200);
  const auto refused = server.send("POST", "/offer", offer_json(two.offer));
  CHECK(refused.status == 503);
  CHECK_FALSE(header(refused, "Retry-After").empty());
}

TEST_CASE("a further offer with the id of a call renegotiates it", "[echo]") {
  ServerFixture server;
  TestPeer peer(server, {.audio = Direction::sendrecv});
  const json answer = parsed(server.send("POST", "/offer", offer_json(peer.offer)));
  REQUIRE(peer.accept(answer.at("sdp")));
  REQUIRE(peer.connects());
  const std::string offer = server.runtime.run_sync([&] {
    (void)peer.pc->add_transceiver(MediaKind::video).has_value();
    return peer.pc->set_local_description()->sdp;
  });
  const auto response = server.send(
      "POST", "/offer", json{{"type", "offer"}, {"sdp", offer}, {"id", answer.at("id")}}.dump());
  REQUIRE(response.status == 200);
  const json second = parsed(response);
  CHECK(second.at("id") == answer.at("id"));
  REQUIRE(peer.accept(second.at("sdp")));
  CHECK(peer.is(ConnectionState::connected));
  CHECK(server.peer_count() == 1);
  CHECK(
      server
          .send("POST", "/offer", json{{"type", "offer"}, {"sdp", offer}, {"id", "nobody"}}.dump())
          .status == 404);
}

TEST_CASE("messages come back on the channel they were sent on", "[echo]") {
  ServerFixture server;
  TestPeer peer(server, {.data = true});
  std::vector<DataMessage> back;  // on the sequence only
  server.runtime.run_sync([&] {
    peer.channel->on_open([&] {
      CHECK(peer.channel->send("text"));
      CHECK(peer.channel->send(std::vector<std::uint8_t>(100'000, 7)));
      CHECK(peer.channel->send(""));
    });
    peer.channel->on_message([&](DataMessage& message) { back.push_back(std::move(message)); });
  });
  const json answer = parsed(server.send("POST", "/offer", offer_json(peer.offer)));
  REQUIRE(peer.accept(answer.at("sdp")));
  REQUIRE(eventually([&] { return server.runtime.run_sync([&] { return back.size() == 3; }); }));
  server.runtime.run_sync([&] {
    CHECK(back[0].text() == "text");
    CHECK(back[0].is_text());
    CHECK(back[1].data == std::vector<std::uint8_t>(100'000, 7));
    CHECK_FALSE(back[1].is_text());
    CHECK(back[2].is_text());
    CHECK(back[2].data.empty());
  });
}

TEST_CASE("a peer that sends and does not read is held back and gets everything later", "[echo]") {
  ServerFixture server;
  TestPeer peer(server, {.data = true});
  constexpr std::size_t kCount = 800;
  constexpr std::size_t kSize = 100'000;
  std::size_t sent = 0;  // all on the sequence only
  std::size_t back = 0;
  bool equal = true;
  const auto send = [&] {
    while (sent < kCount) {
      std::vector<std::uint8_t> message(kSize, static_cast<std::uint8_t>(sent));
      if (!peer.channel->send(std::move(message))) return;
      ++sent;
    }
  };
  server.runtime.run_sync([&] {
    peer.channel->on_open([&] {
      peer.channel->pause();
      send();
    });
    peer.channel->on_writable(send);
    peer.channel->on_message([&](DataMessage& message) {
      equal = equal && message.data.size() == kSize &&
              message.data.front() == static_cast<std::uint8_t>(back);
      ++back;
    });
  });
  const json answer = parsed(server.send("POST", "/offer", offer_json(peer.offer)));
  REQUIRE(peer.accept(answer.at("sdp")));
  // Both windows and both buffers are full well before the end.
  std::size_t before = 0;
  REQUIRE(eventually([&] {
    std::this_thread::sleep_for(500ms);
    const std::size_t now = server.runtime.run_sync([&] { return sent; });
    return now > 0 && std::exchange(before, now) == now;
  }));
  CHECK(before < kCount);
  server.runtime.run_sync([&] {
    CHECK(back == 0);
    CHECK(peer.channel->state() == DataChannelState::open);
    peer.channel->resume();
  });
  CHECK(eventually([&] { return server.runtime.run_sync([&] { return back == kCount; }); }));
  CHECK(equal);
}

TEST_CASE("what is no resource or no method of one is told so", "[echo]") {
  ServerFixture server;
  CHECK(server.send("GET", "/nothing").status == 404);
  CHECK(server.send("GET", "/stats/0123").status == 404);
  CHECK(server.send("GET", "/peers/0123").status == 404);
  CHECK(server.send("GET", "/stats/").status == 404);
  const auto page = server.send("GET", "/");
  CHECK(page.status == 200);
  CHECK(page.content_type == "text/html; charset=utf-8");
  CHECK(page.body.find("</html>") != std::string::npos);
  const auto wrong = server.send("GET", "/offer");
  CHECK(wrong.status == 405);
  CHECK(header(wrong, "Allow") == "POST, OPTIONS");
  CHECK(server.send("POST", "/").status == 405);
  const auto preflight = server.send("OPTIONS", "/offer");
  CHECK(preflight.status == 200);
  CHECK(header(preflight, "Access-Control-Allow-Headers").find("Content-Type") !=
        std::string::npos);
}
