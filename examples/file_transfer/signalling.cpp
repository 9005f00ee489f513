#include "file_transfer/signalling.hpp"

#include <httplib.h>
#include <openssl/evp.h>

#include <charconv>
#include <istream>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>

namespace file_transfer {

using nlohmann::json;
using parley::Errc;
using parley::Error;
using parley::Result;
using parley::SdpType;
using parley::SessionDescription;

namespace {

constexpr std::string_view kBegin = "-----BEGIN PARLEY ";
constexpr std::string_view kEnd = "-----END PARLEY ";
constexpr std::size_t kLineLength = 76;
constexpr std::size_t kLongestBlock = 64 * 1024;

std::string encode(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<std::string> decode(const std::string& text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // The block function counts the bytes of the padding too.
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string to_text(const SessionDescription& description) {
  return json{{"type", parley::jsep::to_string(description.type)}, {"sdp", description.sdp}}.dump();
}

Result<SessionDescription> from_text(const std::string& text) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("type") || !parsed.contains("sdp") ||
      !parsed["type"].is_string() || !parsed["sdp"].is_string()) {
    return Error{Errc::syntax, "not a session description"};
  }
  const std::string type = parsed["type"];
  if (type != "offer" && type != "answer") return Error{Errc::syntax, "neither offer nor answer"};
  return SessionDescription{type == "offer" ? SdpType::offer : SdpType::answer, parsed["sdp"]};
}

}  // namespace

void write_block(std::ostream& out, const SessionDescription& description) {
  const char* what = description.type == SdpType::offer ? "OFFER-----\n" : "ANSWER-----\n";
  const std::string encoded = encode(to_text(description));
  out << kBegin << what;
  for (std::size_t at = 0; at < encoded.size(); at += kLineLength) {
    out << encoded.substr(at, kLineLength) << '\n';
  }
  out << kEnd << what << std::flush;
}

Result<SessionDescription> read_block(std::istream& in) {
  std::string line, encoded;
  bool inside = false;
  while (std::getline(in, line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.starts_with(kBegin)) {
      inside = true;
      encoded.clear();
    } else if (inside && line.starts_with(kEnd)) {
      const auto text = decode(encoded);
      if (!text) return Error{Errc::syntax, "the block is damaged"};
      return from_text(*text);
    } else if (inside) {
      encoded += line;
      if (encoded.size() > kLongestBlock) return Error{Errc::syntax, "the block has no end"};
    }
  }
  return Error{Errc::closed, "the input ended before the other end's block"};
}

Result<SessionDescription> post_offer(const std::string& url, const SessionDescription& offer) {
  httplib::Client client(url);
  if (!client.is_valid()) return Error{Errc::invalid_argument, url + " is not http://HOST:PORT"};
  client.set_connection_timeout(10);
  client.set_read_timeout(30);
  const auto response = client.Post("/offer", to_text(offer), "application/json");
  if (!response) {
    return Error{Errc::io, url + ": " + httplib::to_string(response.error())};
  }
  if (response->status != 200) {
    return Error{Errc::io, url + " answered " + std::to_string(response->status) + ": " +
                               response->body.substr(0, 200)};
  }
  return from_text(response->body);
}

Result<void> serve_offers(const std::string& address,
                          const std::function<void(const std::string& url)>& ready,
                          const Answer& answer) {
  const std::size_t colon = address.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const char* end = address.data() + address.size();
    const auto [stop, failure] = std::from_chars(address.data() + colon + 1, end, port);
    if (failure != std::errc{} || stop != end) port = -1;
  }
  if (port < 0 || port > 65535) {
    return Error{Errc::invalid_argument, "'" + address + "' is not ADDRESS:PORT"};
  }
  const std::string host = address.substr(0, colon);
  httplib::Server server;
  server.set_payload_max_length(kLongestBlock);
  server.new_task_queue = [] { return new httplib::ThreadPool(1); };
  server.Post("/offer", [&](const httplib::Request& request, httplib::Response& response) {
    const auto offer = from_text(request.body);
    const auto answered = offer ? answer(*offer) : Result<SessionDescription>{offer.error()};
    if (!answered) {
      response.status = 400;
      response.set_content(answered.error().to_string() + "\n", "text/plain");
      return;
    }
    response.set_content(to_text(*answered), "application/json");
    // Takes effect when this response has left.
    server.stop();
  });
  if (port == 0) {
    port = server.bind_to_any_port(host);
  } else if (!server.bind_to_port(host, port)) {
    port = -1;
  }
  if (port < 0) return Error{Errc::io, "cannot listen on " + address};
  ready("http://" + host + ":" + std::to_string(port));
  if (!server.listen_after_bind()) return Error{Errc::io, "listening on " + address + " failed"};
  return {};
}

}  // namespace file_transfer
