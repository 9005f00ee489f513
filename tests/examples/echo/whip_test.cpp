// WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) over the life of their sessions.
#include "echo/publishing.hpp"
#include "parley/sdp/description.hpp"
#include "support/catch.hpp"

using namespace echo_server;
using namespace parley;
using namespace std::chrono_literals;

namespace {

constexpr const char* kFragment = "application/trickle-ice-sdpfrag";

TestPeer::Wants sending() { return {.audio = Direction::sendonly, .video = Direction::sendonly}; }
TestPeer::Wants receiving() { return {.audio = Direction::recvonly, .video = Direction::recvonly}; }

HttpResponse patch(ServerFixture& server, const std::string& path, const std::string& body,
                   const std::string& etag, const std::string& type = kFragment) {
  return server.request(
      {.method = "PATCH", .path = path, .content_type = type, .if_match = etag, .body = body});
}

std::string credentials_of(const std::string& sdp) {
  auto fragment = *ice_of(*sdp::Description::parse(sdp));
  fragment.candidates.clear();
  return fragment.to_string();
}

}  // namespace

TEST_CASE("a session begins with 201 and its location and ends with DELETE", "[echo][rfc9725]") {
  ServerFixture server;
  TestPeer publisher(server, sending());
  const auto created = server.post_sdp("/whip", publisher.offer);
  REQUIRE(created.status == 201);
  CHECK(created.content_type == "application/sdp");
  const std::string location = header(created, "Location");
  CHECK(location.starts_with("/whip/"));
  const std::string etag = header(created, "ETag");
  CHECK(etag.size() > 2);
  CHECK((etag.front() == '"' && etag.back() == '"'));
  const auto answer = sdp::Description::parse(created.body);
  REQUIRE(answer);
  for (const sdp::Media& media : answer->media)
    CHECK(answer->direction_of(media) == Direction::recvonly);
  REQUIRE(publisher.accept(created.body));
  REQUIRE(publisher.connects());

  CHECK(server.send("GET", location).status == 204);
  CHECK(server.send("PUT", location).status == 405);
  CHECK(server.send("DELETE", location).status == 200);
  CHECK(server.send("DELETE", location).status == 404);
  CHECK(eventually([&] { return publisher.is(ConnectionState::closed); }));
  CHECK(server.peer_count() == 0);
}

TEST_CASE("what a publisher must not offer is refused", "[echo][rfc9725]") {
  ServerFixture server;
  CHECK(server.send("POST", "/whip", "v=0", "text/plain").status == 415);
  CHECK(server.send("POST", "/whip", "v=0").status == 415);
  CHECK(server.post_sdp("/whip", "not SDP").status == 400);
  TestPeer viewer(server, receiving());
  CHECK(server.post_sdp("/whip", viewer.offer).status == 406);
  TestPeer data(server, {.data = true});
  CHECK(server.post_sdp("/whip", data.offer).status == 406);
  TestPeer two(server, sending());
  const std::string offer = server.runtime.run_sync([&] {
    (void)two.pc->rollback().has_value();
    (void)two.pc->add_transceiver(MediaKind::video).has_value();
    return two.pc->create_offer()->sdp;
  });
  CHECK(server.post_sdp("/whip", offer).status == 406);
  CHECK(server.peer_count() == 0);
}

TEST_CASE("the content type is compared without regard to case and parameters", "[echo]") {
  ServerFixture server;
  TestPeer publisher(server, sending());
  CHECK(server.send("POST", "/whip", publisher.offer, "Application/SDP ; charset=utf-8").status ==
        201);
}

TEST_CASE("the endpoints tell what they take and which servers help", "[echo][rfc9725]") {
  Options options = loopback_options();
  options.ice_servers = {"stun:stun.example.org"};
  ServerFixture server(options);
  for (const char* endpoint : {"/whip", "/whep"}) {
    const auto answer = server.send("OPTIONS", endpoint);
    CHECK(answer.status == 200);
    CHECK(header(answer, "Accept-Post") == "application/sdp");
    CHECK(header(answer, "Access-Control-Allow-Origin") == "*");
    CHECK(header(answer, "Access-Control-Allow-Headers").find("If-Match") != std::string::npos);
    CHECK(header(answer, "Access-Control-Expose-Headers").find("Location") != std::string::npos);
    CHECK(header(answer, "Link") == "<stun:stun.example.org>; rel=\"ice-server\"");
    CHECK(server.send("GET", endpoint).status == 204);
    CHECK(server.send("PATCH", endpoint).status == 405);
  }
  TestPeer publisher(server, sending());
  const auto created = server.post_sdp("/whip", publisher.offer);
  CHECK(created.status == 201);
  CHECK(header(created, "Link") == "<stun:stun.example.org>; rel=\"ice-server\"");
}

TEST_CASE("a token is demanded where one was set", "[echo][rfc6750]") {
  Options options = loopback_options();
  options.token = "secret";
  ServerFixture server(options);
  TestPeer publisher(server, sending());
  const auto post = [&](const std::string& authorization) {
    return server.request({.method = "POST",
                           .path = "/whip",
                           .content_type = "application/sdp",
                           .authorization = authorization,
                           .body = publisher.offer});
  };
  CHECK(post("").status == 401);
  // RFC 6750 section 3: a realm at least, and an error for who tried.
  CHECK(header(post(""), "WWW-Authenticate") == "Bearer realm=\"echo_server\"");
  CHECK(header(post("Bearer wrong"), "WWW-Authenticate") ==
        "Bearer realm=\"echo_server\", error=\"invalid_token\"");
  CHECK(post("Basic secret").status == 401);
  CHECK(post("Bearer").status == 401);
  const auto created = post("bearer secret");
  REQUIRE(created.status == 201);
  CHECK(server.send("DELETE", header(created, "Location")).status == 401);
  CHECK(server.send("OPTIONS", "/whip").status == 200);
  CHECK(server.peer_count() == 1);
}

TEST_CASE("candidates trickle under the entity tag of their ICE session", "[echo][rfc9725]") {
  ServerFixture server;
  TestPeer publisher(server, sending());
  // The offer without candidates.
  auto description = *sdp::Description::parse(publisher.offer);
  const IceFragment ice = *ice_of(description);
  REQUIRE(ice.candidates.size() == 1);
  for (sdp::Media& media : description.media) {
    media.candidates.clear();
    media.end_of_candidates = false;
  }
  const auto created = server.post_sdp("/whip", sdp::to_string(description));
  REQUIRE(created.status == 201);
  const std::string location = header(created, "Location");
  const std::string etag = header(created, "ETag");
  const std::string fragment = ice.to_string();

  CHECK(patch(server, location, fragment, "").status == 428);
  CHECK(patch(server, location, fragment, "\"other\"").status == 412);
  CHECK(patch(server, location, fragment, etag, "application/sdp").status == 415);
  CHECK(patch(server, location, "garbage", etag).status == 400);
  CHECK(patch(server, "/whip/nobody", fragment, etag).status == 404);
  CHECK(patch(server, "/whep/" + location.substr(6), fragment, etag).status == 404);
  const auto patched = patch(server, location, fragment, etag);
  CHECK(patched.status == 204);
  CHECK(patched.body.empty());
  CHECK(header(patched, "ETag").empty());
  REQUIRE(publisher.accept(created.body));
  CHECK(publisher.connects());
  // A candidate that means nothing here is passed over.
  CHECK(patch(server, location,
              "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
              "a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active\r\n",
              etag)
            .status == 204);
}

TEST_CASE("new credentials in a fragment restart ICE under a new entity tag", "[echo][rfc9725]") {
  ServerFixture server;
  TestPeer publisher(server, sending());
  const auto created = server.post_sdp("/whip", publisher.offer);
  REQUIRE(created.status == 201);
  REQUIRE(publisher.accept(created.body));
  REQUIRE(publisher.connects());
  const std::string location = header(created, "Location");

  // The publisher makes an offer that restarts, and sends only its ICE part.
  const std::string offer = server.runtime.run_sync([&] {
    publisher.pc->restart_ice();
    return publisher.pc->set_local_description()->sdp;
  });
  const auto restarted = patch(server, location, credentials_of(offer), "*");
  REQUIRE(restarted.status == 200);
  CHECK(restarted.content_type == kFragment);
  const std::string etag = header(restarted, "ETag");
  CHECK_FALSE(etag.empty());
  CHECK(etag != header(created, "ETag"));
  const auto theirs = IceFragment::parse(restarted.body);
  REQUIRE(theirs);
  CHECK_FALSE(theirs->candidates.empty());
  CHECK(theirs->ufrag != ice_of(*sdp::Description::parse(created.body))->ufrag);

  // The old description with the new ICE part is the answer (RFC 9725 section 4.3.3).
  const auto answer = with_ice(*sdp::Description::parse(created.body), *theirs);
  REQUIRE(publisher.accept(sdp::to_string(answer)));
  CHECK(eventually([&] {
    return server.runtime.run_sync([&] {
      return publisher.pc->ice_connection_state() == IceConnectionState::connected ||
             publisher.pc->ice_connection_state() == IceConnectionState::completed;
    });
  }));
  CHECK(publisher.is(ConnectionState::connected));
  CHECK(patch(server, location, "a=end-of-candidates\r\n", header(created, "ETag")).status == 412);
  CHECK(patch(server, location, "a=end-of-candidates\r\n", etag).status == 204);
}

TEST_CASE("viewers get what is published from a key frame on", "[echo][whep]") {
  ServerFixture server;
  TestPeer early(server, receiving());
  const auto refused = server.post_sdp("/whep", early.offer);
  CHECK(refused.status == 409);
  CHECK_FALSE(header(refused, "Retry-After").empty());

  TestPeer publisher(server, sending());
  const auto published = server.post_sdp("/whip", publisher.offer);
  REQUIRE(published.status == 201);
  REQUIRE(publisher.accept(published.body));
  REQUIRE(publisher.connects());
  Publishing media(server, publisher);

  TestPeer second(server, sending());
  CHECK(server.post_sdp("/whip", second.offer).status == 409);

  TestPeer one(server, receiving());
  TestPeer two(server, receiving());
  for (TestPeer* viewer : {&one, &two}) {
    std::vector<bool> keys;  // on the sequence only
    server.runtime.run_sync([&] {
      viewer->video->on_encoded_frame(
          [&](const EncodedVideo& frame) { keys.push_back(frame.key_frame); });
    });
    const auto created = server.post_sdp("/whep", viewer->offer);
    REQUIRE(created.status == 201);
    CHECK(header(created, "Location").starts_with("/whep/"));
    const auto answer = sdp::Description::parse(created.body);
    REQUIRE(answer);
    CHECK(answer->direction_of(answer->media[0]) == Direction::sendonly);
    REQUIRE(viewer->accept(created.body));
    REQUIRE(viewer->connects());
    CHECK(eventually([&] { return server.runtime.run_sync([&] { return keys.size() > 5; }); }));
    CHECK(eventually([&] { return viewer->inbound("audio", "packetsReceived") > 0; }));
    server.runtime.run_sync([&] {
      CHECK((!keys.empty() && keys.front()));
      viewer->video->on_encoded_frame([](const EncodedVideo&) {});
    });
  }
  // The viewers outlive the publisher, and see the next one.
  CHECK(server.send("DELETE", header(published, "Location")).status == 200);
  CHECK(one.is(ConnectionState::connected));
  const double pictures = one.inbound("video", "framesReceived");
  const double packets = one.inbound("audio", "packetsReceived");
  const auto again = server.post_sdp("/whip", second.offer);
  REQUIRE(again.status == 201);
  REQUIRE(second.accept(again.body));
  REQUIRE(second.connects());
  Publishing more(server, second);
  // Not a chance hit of its random RTP timestamps: all of it comes.
  CHECK(eventually([&] {
    return one.inbound("video", "framesReceived") > pictures + 10 &&
           one.inbound("audio", "packetsReceived") > packets + 20;
  }));
}

TEST_CASE("a viewer that was not promised the codec of the next publisher is hung up",
          "[echo][whep]") {
  ServerFixture server;
  TestPeer publisher(server, sending());
  const auto published = server.post_sdp("/whip", publisher.offer);
  REQUIRE(published.status == 201);
  TestPeer viewer(server, receiving());
  const auto created = server.post_sdp("/whep", viewer.offer);
  REQUIRE(created.status == 201);
  REQUIRE(viewer.accept(created.body));
  REQUIRE(viewer.connects());
  CHECK(server.send("DELETE", header(published, "Location")).status == 200);
  TestPeer next(server, {.video = Direction::sendonly, .video_codecs = {"VP9"}});
  CHECK(server.post_sdp("/whip", next.offer).status == 201);
  CHECK(eventually([&] { return viewer.is(ConnectionState::closed); }));
}

TEST_CASE("streams are apart by their names", "[echo][whep]") {
  ServerFixture server;
  TestPeer publisher(server, sending());
  TestPeer viewer(server, receiving());
  const auto post = [&](const char* path, const std::string& stream, const std::string& sdp) {
    return server.request({.method = "POST",
                           .path = path,
                           .stream = stream,
                           .content_type = "application/sdp",
                           .body = sdp});
  };
  CHECK(post("/whip", "garden", publisher.offer).status == 201);
  CHECK(post("/whep", "", viewer.offer).status == 409);
  CHECK(post("/whep", "kitchen", viewer.offer).status == 409);
  CHECK(post("/whep", "garden", viewer.offer).status == 201);
  CHECK(post("/whip", std::string(65, 'x'), publisher.offer).status == 400);
}

TEST_CASE("what a viewer must not offer is refused", "[echo][whep]") {
  ServerFixture server;
  TestPeer publisher(server, sending());
  REQUIRE(server.post_sdp("/whip", publisher.offer).status == 201);
  TestPeer wrong(server, sending());
  CHECK(server.post_sdp("/whep", wrong.offer).status == 406);
  TestPeer echo(server, {.audio = Direction::sendrecv, .video = Direction::sendrecv});
  CHECK(server.post_sdp("/whep", echo.offer).status == 201);
}
