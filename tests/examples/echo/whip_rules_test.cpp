// What RFC 9725 and draft-ietf-wish-whep ask of the HTTP side, through a real socket.
#include "echo/listening_server.hpp"
#include "parley/sdp/description.hpp"

using namespace echo_server;
using namespace parley;

namespace {

constexpr const char* kFragment = "application/trickle-ice-sdpfrag";

TestPeer::Wants sending() { return {.audio = Direction::sendonly, .video = Direction::sendonly}; }
TestPeer::Wants receiving() { return {.audio = Direction::recvonly, .video = Direction::recvonly}; }

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

/// A session that a POST made.
struct Session {
  Session(httplib::Client client, const std::string& endpoint, const std::string& offer)
      : http(std::move(client)) {
    const auto made = http.Post(endpoint, offer, "application/sdp");
    REQUIRE(made);
    REQUIRE(made->status == 201);
    answer = made->body;
    location = made->get_header_value("Location");
    etag = made->get_header_value("ETag");
  }
  httplib::Response patch(const std::string& if_match, const std::string& body,
                          const char* type = kFragment) {
    httplib::Headers headers;
    if (!if_match.empty()) headers.emplace("If-Match", if_match);
    const auto answered = http.Patch(location, headers, body, type);
    REQUIRE(answered);
    return *answered;
  }
  httplib::Client http;
  std::string answer;
  std::string location;
  std::string etag;
};

}  // namespace

TEST_CASE("a candidate passes under any list of entity tags that has the current one",
          "[echo][rfc9110]") {
  Listening at;
  TestPeer publisher(at.server, sending());
  Session session(at.client(), "/whip", publisher.offer);
  const std::string end = "a=end-of-candidates\r\n";
  CHECK(session.patch("", end).status == 428);
  CHECK(session.patch("\"other\"", end).status == 412);
  CHECK(session.patch("W/" + session.etag, end).status == 412);  // RFC 9110 section 8.8.3.2
  CHECK(session.patch("\"other\" ,  " + session.etag, end).status == 204);
  CHECK(session.patch("*", end).status == 204);
}

TEST_CASE("an answer without content has neither length nor entity tag", "[echo][rfc9725]") {
  Listening at;
  TestPeer publisher(at.server, sending());
  Session session(at.client(), "/whip", publisher.offer);
  const auto patched = session.patch(session.etag, "a=end-of-candidates\r\n");
  CHECK(patched.status == 204);
  CHECK_FALSE(patched.has_header("ETag"));
  CHECK_FALSE(patched.has_header("Content-Length"));
  for (const std::string& path : {std::string("/whip"), std::string("/whep"), session.location}) {
    const auto got = session.http.Get(path);
    REQUIRE(got);
    CHECK(got->status == 204);
    const auto head = session.http.Head(path);
    REQUIRE(head);
    CHECK(head->status == 204);
  }
}

TEST_CASE("an ICE restart answers with the options of the answer that it amends",
          "[echo][rfc9725]") {
  Listening at;
  TestPeer publisher(at.server, sending());
  Session session(at.client(), "/whip", publisher.offer);
  const auto options = [](const std::string& text) {
    const auto from = text.find("a=ice-options:");
    return from == std::string::npos ? "" : text.substr(from, text.find('\r', from) - from);
  };
  REQUIRE_FALSE(options(session.answer).empty());
  const std::string fresh = "a=ice-ufrag:abcd\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";
  const auto restarted = session.patch("*", fresh);
  CHECK(restarted.status == 200);
  CHECK(restarted.get_header_value("Content-Type") == kFragment);
  CHECK(options(restarted.body) == options(session.answer));
  const std::string renewed = restarted.get_header_value("ETag");
  CHECK(renewed.size() > 2);
  CHECK(renewed != session.etag);
  // Requests that were under way belong to the session before.
  CHECK(session.patch(session.etag, "a=end-of-candidates\r\n").status == 412);
  CHECK(session.patch(renewed, "a=end-of-candidates\r\n").status == 204);
  // A restart that cannot be: the session goes on as it was.
  CHECK(session.patch("*", "a=ice-ufrag:a\r\na=ice-pwd:b\r\n").status / 100 == 4);
  CHECK(session.patch(renewed, "a=end-of-candidates\r\n").status == 204);
}

TEST_CASE("the end of a session needs no entity tag and is final", "[echo][rfc9725]") {
  Listening at;
  TestPeer publisher(at.server, sending());
  Session session(at.client(), "/whip", publisher.offer);
  const auto ended = session.http.Delete(session.location, {{"If-Match", "\"other\""}});
  REQUIRE(ended);
  CHECK(ended->status == 200);
  CHECK(session.patch(session.etag, "a=end-of-candidates\r\n").status == 404);
  const auto again = session.http.Delete(session.location);
  REQUIRE(again);
  CHECK(again->status == 404);
  const auto got = session.http.Get(session.location);
  REQUIRE(got);
  CHECK(got->status == 404);
}

TEST_CASE("methods that have no meaning yet are refused", "[echo][rfc9725]") {
  Listening at;
  TestPeer publisher(at.server, sending());
  Session session(at.client(), "/whip", publisher.offer);
  const auto refused = [&](const httplib::Result& result) {
    REQUIRE(result);
    CHECK_FALSE(result->get_header_value("Allow").empty());
    return result->status;
  };
  for (const char* endpoint : {"/whip", "/whep"}) {
    CHECK(refused(session.http.Put(endpoint, "x", "text/plain")) == 405);
    CHECK(refused(session.http.Patch(endpoint, "x", "text/plain")) == 405);
    CHECK(refused(session.http.Delete(endpoint)) == 405);
  }
  CHECK(refused(session.http.Post(session.location, "[]", "application/json")) == 405);
  CHECK(refused(session.http.Put(session.location, "x", "text/plain")) == 405);
}

TEST_CASE("a body that is no offer is refused with what the endpoint takes", "[echo][rfc9725]") {
  Listening at;
  TestPeer publisher(at.server, sending());
  auto http = at.client();
  for (const char* endpoint : {"/whip", "/whep"}) {
    const auto post = [&](const std::string& body, const char* type) {
      const auto result = http.Post(endpoint, body, type);
      REQUIRE(result);
      CHECK_FALSE(result->body.empty());
      return *result;
    };
    // No offer of the server's: an empty body asks for none.
    CHECK(post("", "application/sdp").status == 400);
    CHECK(post("hello", "application/sdp").status == 400);
    const auto other = post(publisher.offer, "application/json");
    CHECK(other.status == 415);
    CHECK(other.get_header_value("Accept-Post") == "application/sdp");
    const std::string without = replaced(publisher.offer, "a=ice-pwd:", "a=x-ice-pwd:");
    CHECK(post(without, "application/sdp").status == 400);
  }
  CHECK(at.server.peer_count() == 0);
}

TEST_CASE("pages of any origin may read what they need", "[echo][rfc9725]") {
  Options options = loopback_options();
  options.ice_servers = {"stun:stun.example.org", "stun:192.0.2.1:3479"};
  options.token = "secret";
  Listening at(options);
  auto http = at.client();
  const httplib::Headers preflight{{"Origin", "https://example.org"},
                                   {"Access-Control-Request-Method", "POST"},
                                   {"Access-Control-Request-Headers", "authorization"}};
  for (const char* endpoint : {"/whip", "/whep"}) {
    // The browser asks without the token.
    const auto asked = http.Options(endpoint, preflight);
    REQUIRE(asked);
    CHECK(asked->status == 200);
    CHECK(asked->get_header_value("Access-Control-Allow-Origin") == "*");
    CHECK(asked->get_header_value("Access-Control-Allow-Methods").find("PATCH") !=
          std::string::npos);
    for (const char* name : {"Authorization", "Content-Type", "If-Match"}) {
      CHECK(asked->get_header_value("Access-Control-Allow-Headers").find(name) !=
            std::string::npos);
    }
    CHECK(asked->get_header_value_count("Link") == 0);  // RFC 9725 section 4.6
    const auto plain = http.Options(endpoint);
    REQUIRE(plain);
    CHECK(plain->get_header_value("Accept-Post") == "application/sdp");
    REQUIRE(plain->get_header_value_count("Link") == 2);
  }
  const auto refused = http.Post("/whip", "", "application/sdp");
  REQUIRE(refused);
  CHECK(refused->status == 401);
  CHECK(refused->get_header_value("Access-Control-Allow-Origin") == "*");
  TestPeer publisher(at.server, sending());
  const auto created =
      http.Post("/whip", {{"Authorization", "Bearer secret"}}, publisher.offer, "application/sdp");
  REQUIRE(created);
  REQUIRE(created->status == 201);
  for (const char* name : {"Location", "ETag", "Link"}) {
    CHECK(created->get_header_value("Access-Control-Expose-Headers").find(name) !=
          std::string::npos);
  }
  CHECK(created->get_header_value_count("Link") == 2);
  CHECK(created->get_header_value("Link", 1) == "<stun:192.0.2.1:3479>; rel=\"ice-server\"");
  CHECK(created->get_header_value("Accept-Patch") == kFragment);
}

TEST_CASE("a client that is DTLS client only or would receive too is taken", "[echo][rfc9725]") {
  Listening at;
  TestPeer publisher(at.server, {.audio = Direction::sendrecv});
  Session session(at.client(), "/whip",
                  replaced(publisher.offer, "a=setup:actpass", "a=setup:active"));
  CHECK(session.answer.find("a=setup:passive") != std::string::npos);
  CHECK(session.answer.find("a=recvonly") != std::string::npos);
  auto http = at.client();
  const auto inactive =
      http.Post("/whip?stream=other", replaced(publisher.offer, "a=sendrecv", "a=inactive"),
                "application/sdp");
  REQUIRE(inactive);
  CHECK(inactive->status == 406);
}

TEST_CASE("what a viewer is sent belongs to one stream", "[echo][whep][rfc8830]") {
  Listening at;
  TestPeer publisher(at.server, sending());
  const Session published(at.client(), "/whip", publisher.offer);
  TestPeer viewer(at.server, receiving());
  const Session session(at.client(), "/whep", viewer.offer);
  const auto answer = sdp::Description::parse(session.answer);
  REQUIRE(answer);
  REQUIRE(answer->media.size() == 2);
  for (const sdp::Media& media : answer->media) {
    REQUIRE(media.msids.size() == 1);
    CHECK(media.msids[0].stream_id != "-");
    CHECK(media.msids[0].stream_id == answer->media[0].msids[0].stream_id);
  }
}
