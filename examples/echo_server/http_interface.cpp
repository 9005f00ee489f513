#include "echo_server/http_interface.hpp"

#include <algorithm>
#include <cctype>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "echo_server/page.hpp"
#include "parley/base/crypto.hpp"
#include "parley/sdp/description.hpp"

namespace echo_server {
namespace {

using namespace parley;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* kSdp = "application/sdp";
constexpr const char* kFragment = "application/trickle-ice-sdpfrag";
constexpr const char* kDefaultStream = "live";
constexpr std::size_t kMaxStreamName = 64;
/// Answers take the time of gathering at most; more means that the server is stuck.
constexpr auto kPatience = 10s;

/// Never fails: what is no UTF-8 is replaced.
std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// RFC 9457: the reason for people and for programs.
HttpResponse problem(int status, const std::string& reason) {
  return {status,
          "application/problem+json",
          text_of({{"status", status}, {"detail", reason}}) + "\n",
          {}};
}

/// RFC 6750 section 3: an error is named only to who tried a token.
HttpResponse unauthorized(const HttpRequest& request) {
  const bool tried = !request.authorization.empty();
  HttpResponse response =
      problem(401, tried ? "another bearer token is needed" : "a bearer token is needed");
  response.headers.emplace_back("WWW-Authenticate", std::string("Bearer realm=\"echo_server\"") +
                                                        (tried ? ", error=\"invalid_token\"" : ""));
  return response;
}

HttpResponse method_not_allowed(const char* allowed) {
  HttpResponse response = problem(405, std::string("use ") + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

/// The status for what the connection, or its role, says against a description.
int status_of(Errc code, int for_incompatible) {
  switch (code) {
    case Errc::syntax:
    case Errc::malformed:
      return 400;
    case Errc::invalid_argument:
    case Errc::unsupported:
    case Errc::incompatible:
      return for_incompatible;
    case Errc::invalid_state:
      return 409;
    case Errc::not_found:
      return 404;
    case Errc::too_large:
      return 413;
    case Errc::queue_full:
    case Errc::closed:
    case Errc::timed_out:
      return 503;
    case Errc::crypto:
    case Errc::io:
      break;
  }
  return 500;
}

HttpResponse refusal(const Error& error, int for_incompatible) {
  const int status = status_of(error.code, for_incompatible);
  HttpResponse response = problem(status, error.to_string());
  // draft-ietf-wish-whep, playback session set-up; RFC 9725 section 4.5.
  if (status == 409 || status == 503) response.headers.emplace_back("Retry-After", "2");
  return response;
}

/// Checked before the sequence hears of it.
std::optional<HttpResponse> fault_in(const std::string& sdp) {
  const auto offer = sdp::Description::parse(sdp);
  if (!offer) return problem(400, offer.error().to_string());
  if (offer->media.empty()) return problem(400, "the offer has no media section");
  // In a bundle one section may stand for all of them.
  bool all_rejected = true;
  bool complete = false;
  for (const sdp::Media& media : offer->media) {
    const auto transport = offer->transport_of(media);
    all_rejected = all_rejected && media.is_rejected();
    complete =
        complete || (transport.ice_ufrag && transport.ice_pwd && !transport.fingerprints.empty());
  }
  if (!complete && !all_rejected)
    return problem(400, "the offer lacks ICE credentials or a fingerprint");
  return std::nullopt;
}

/// "Application/SDP; charset=utf-8" is application/sdp (RFC 9110 section 8.3.1).
bool is_type(const std::string& content_type, std::string_view wanted) {
  std::string_view type = content_type;
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

/// Whether an If-Match header lets a request to the resource with `etag` pass (RFC 9110 section
/// 13.1.1). A weak tag is never equal (section 8.8.3.2).
bool matches(std::string_view if_match, const std::string& etag) {
  while (!if_match.empty()) {
    const auto comma = if_match.find(',');
    std::string_view one = if_match.substr(0, comma);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (one == "*" || one == etag) return true;
    if (comma == std::string_view::npos) break;
    if_match.remove_prefix(comma + 1);
  }
  return false;
}

/// Runs `start` on the sequence and waits until it has called what it is given.
template <class T>
Result<T> wait_for(io::Runtime& runtime,
                   const std::function<void(std::function<void(Result<T>)>)>& start) {
  // Shared: after the patience is gone the sequence may still answer.
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  runtime.post([start, promise] {
    start([promise](Result<T> result) { promise->set_value(std::move(result)); });
  });
  if (future.wait_for(kPatience) != std::future_status::ready)
    return Error{Errc::timed_out, "the server is busy"};
  return future.get();
}

std::string stream_name(const HttpRequest& request) {
  return request.stream.empty() ? kDefaultStream : request.stream;
}

std::optional<std::string> after(const std::string& path, std::string_view prefix) {
  if (!path.starts_with(prefix) || path.size() == prefix.size()) return std::nullopt;
  return path.substr(prefix.size());
}

}  // namespace

HttpInterface::HttpInterface(io::Runtime& runtime, Peers& peers, const Options& options)
    : runtime_(runtime), peers_(peers), ice_servers_(options.ice_servers), token_(options.token) {}

HttpResponse HttpInterface::handle(const HttpRequest& request) {
  HttpResponse response = route(request);
  // Pages from anywhere may call: the server knows no cookies that they could abuse.
  response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  response.headers.emplace_back("Access-Control-Expose-Headers",
                                "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, "
                                "WWW-Authenticate");
  if (request.method == "OPTIONS") {
    response.headers.emplace_back("Access-Control-Allow-Methods",
                                  "GET, POST, PATCH, DELETE, OPTIONS");
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "Authorization, Content-Type, If-Match");
    response.headers.emplace_back("Access-Control-Max-Age", "86400");
  }
  return response;
}

HttpResponse HttpInterface::route(const HttpRequest& request) {
  const std::string& path = request.path;
  const bool gets = request.method == "GET" || request.method == "HEAD";
  if (path == "/offer") return post_offer(request);
  if (path == "/whip") return handle_endpoint(request, Role::publisher);
  if (path == "/whep") return handle_endpoint(request, Role::viewer);
  if (const auto id = after(path, "/whip/")) return handle_session(request, {Role::publisher, *id});
  if (const auto id = after(path, "/whep/")) return handle_session(request, {Role::viewer, *id});
  const auto stats_id = after(path, "/stats/");
  const auto peer_id = after(path, "/peers/");
  if (path != "/" && path != "/configuration" && !stats_id && !peer_id)
    return problem(404, "no such resource");
  if (request.method == "OPTIONS") return {};
  if (!gets) return method_not_allowed("GET, HEAD, OPTIONS");
  if (stats_id) return get_stats(*stats_id);
  if (peer_id) return get_peer(*peer_id);
  if (path == "/configuration") return get_configuration();
  return {200, "text/html; charset=utf-8", std::string(page()), {}};
}

HttpResponse HttpInterface::post_offer(const HttpRequest& request) {
  if (request.method == "OPTIONS") return {200, "", "", {{"Accept-Post", "application/json"}}};
  if (request.method != "POST") return method_not_allowed("POST, OPTIONS");
  // Others send JSON under any content type, and none at all.
  const json offer = json::parse(request.body, nullptr, false);
  if (!offer.is_object()) return problem(400, "the body is no JSON object");
  const auto text = [&](const char* key) {
    const auto member = offer.find(key);
    return member != offer.end() && member->is_string() ? member->get<std::string>()
                                                        : std::string{};
  };
  if (text("type") != "offer") return problem(400, "\"type\" is not \"offer\"");
  const std::string sdp = text("sdp");
  if (sdp.empty()) return problem(400, "\"sdp\" is missing or no text");
  if (auto fault = fault_in(sdp)) return *fault;
  const std::string id = text("id");
  const auto answer = wait_for<Peers::Answer>(runtime_, [&, id, sdp](Peers::Answered done) {
    if (id.empty()) {
      peers_.open(Role::echo, {}, sdp, std::move(done));
    } else {
      peers_.renegotiate(id, sdp, std::move(done));
    }
  });
  if (!answer) return refusal(answer.error(), 400);
  return {200,
          "application/json",
          text_of({{"type", "answer"}, {"sdp", answer->sdp}, {"id", answer->id}}),
          {}};
}

// --- WHIP and WHEP ---

bool HttpInterface::is_authorized(const HttpRequest& request) const {
  if (token_.empty()) return true;
  // RFC 6750 section 2.1; the scheme is written in any case (RFC 9110 section 11.1).
  constexpr std::size_t kScheme = 7;
  const std::string& given = request.authorization;
  if (given.size() < kScheme || !is_type(given.substr(0, kScheme - 1), "bearer")) return false;
  const auto bytes = [](const char* data, std::size_t size) {
    return Bytes{reinterpret_cast<const std::uint8_t*>(data), size};
  };
  return equal_in_constant_time(bytes(given.data() + kScheme, given.size() - kScheme),
                                bytes(token_.data(), token_.size()));
}

void HttpInterface::add_ice_servers(HttpResponse& response) const {
  // RFC 9725 section 4.6
  for (const std::string& uri : ice_servers_)
    response.headers.emplace_back("Link", "<" + uri + ">; rel=\"ice-server\"");
}

HttpResponse HttpInterface::handle_endpoint(const HttpRequest& request, Role role) {
  if (request.method == "OPTIONS") {
    HttpResponse response{200, "", "", {{"Accept-Post", kSdp}}};
    // RFC 9725 section 4.6: not to a browser that asks whether its page may.
    if (!request.is_preflight) add_ice_servers(response);
    return response;
  }
  // RFC 9725 section 4.1: there is nothing to show, which is no error.
  if (request.method == "GET" || request.method == "HEAD") return {204, "", "", {}};
  if (request.method != "POST") return method_not_allowed("POST, GET, HEAD, OPTIONS");
  if (!is_authorized(request)) return unauthorized(request);
  return post_session(request, role);
}

HttpResponse HttpInterface::post_session(const HttpRequest& request, Role role) {
  if (!is_type(request.content_type, kSdp)) {
    HttpResponse response = problem(415, "the body must be application/sdp");
    response.headers.emplace_back("Accept-Post", kSdp);
    return response;
  }
  if (auto fault = fault_in(request.body)) return *fault;
  const std::string stream = stream_name(request);
  if (stream.size() > kMaxStreamName) return problem(400, "the stream's name is too long");
  const auto answer =
      wait_for<Peers::Answer>(runtime_, [&, stream, sdp = request.body](Peers::Answered done) {
        peers_.open(role, stream, sdp, std::move(done));
      });
  // RFC 9725 section 4.4.3: no half of what was asked for.
  if (!answer) return refusal(answer.error(), 406);
  HttpResponse response{201, kSdp, answer->sdp, {}};
  response.headers.emplace_back("Location", request.path + "/" + answer->id);
  response.headers.emplace_back("ETag", answer->etag);
  response.headers.emplace_back("Accept-Patch", kFragment);
  add_ice_servers(response);
  return response;
}

HttpResponse HttpInterface::handle_session(const HttpRequest& request, const Session& session) {
  if (request.method == "OPTIONS") return {200, "", "", {{"Accept-Patch", kFragment}}};
  const bool gets = request.method == "GET" || request.method == "HEAD";
  if (!gets && request.method != "PATCH" && request.method != "DELETE")
    return method_not_allowed("PATCH, DELETE, GET, HEAD, OPTIONS");
  if (!is_authorized(request)) return unauthorized(request);
  const auto etag = runtime_.run_sync([&]() -> std::optional<std::string> {
    const Peer* peer = peers_.find(session.role, session.id);
    return peer != nullptr ? std::optional{peer->etag()} : std::nullopt;
  });
  if (!etag) return problem(404, "no such session");
  if (gets) return {204, "", "", {}};
  if (request.method == "DELETE") return delete_session(session);
  if (!is_type(request.content_type, kFragment))
    return problem(415, std::string("the body must be ") + kFragment);
  // RFC 9725 section 4.3.2; an ICE restart says "*" (section 4.3.3).
  if (request.if_match.empty()) return problem(428, "If-Match is missing");
  if (!matches(request.if_match, *etag)) return problem(412, "another ICE session has begun since");
  return patch_session(request, session);
}

HttpResponse HttpInterface::patch_session(const HttpRequest& request, const Session& session) {
  const auto fragment = IceFragment::parse(request.body);
  if (!fragment) return problem(400, fragment.error().to_string());
  using Ours = std::optional<IceFragment>;
  const auto patched =
      wait_for<Ours>(runtime_, [&, session, fragment = *fragment](Peers::Patched done) {
        peers_.patch(session.role, session.id, fragment, std::move(done));
      });
  if (!patched) return refusal(patched.error(), 422);
  if (!patched->has_value()) return {204, "", "", {}};
  HttpResponse response{200, kFragment, (*patched)->to_string(), {}};
  const auto etag = runtime_.run_sync([&] {
    const Peer* peer = peers_.find(session.role, session.id);
    return peer != nullptr ? peer->etag() : std::string{};
  });
  if (!etag.empty()) response.headers.emplace_back("ETag", etag);
  return response;
}

HttpResponse HttpInterface::delete_session(const Session& session) {
  const bool found = runtime_.run_sync([&] { return peers_.hang_up(session.role, session.id); });
  return found ? HttpResponse{} : problem(404, "no such session");
}

// --- What can be looked at ---

HttpResponse HttpInterface::get_stats(const std::string& id) {
  const auto stats = runtime_.run_sync([&] { return peers_.stats(id); });
  if (!stats) return problem(404, "no such peer");
  return {200, "application/json", *stats, {{"Cache-Control", "no-store"}}};
}

HttpResponse HttpInterface::get_peer(const std::string& id) {
  const auto status = runtime_.run_sync([&] { return peers_.status(id); });
  if (!status) return problem(404, "no such peer");
  return {200,
          "application/json",
          text_of({{"id", id},
                   {"role", to_string(status->role)},
                   {"state", status->state},
                   {"reason", status->reason}}),
          {{"Cache-Control", "no-store"}}};
}

HttpResponse HttpInterface::get_configuration() const {
  json servers = json::array();
  for (const std::string& uri : ice_servers_) servers.push_back({{"urls", uri}});
  return {200, "application/json", text_of({{"iceServers", servers}}), {}};
}

}  // namespace echo_server
