#include "echo_client/signalling.hpp"

#include <httplib.h>

#include <nlohmann/json.hpp>

namespace echo_client {

using namespace parley;
using nlohmann::json;

Result<std::string> exchange(const Options& options, const std::string& offer) {
  httplib::Client client(options.server);
  if (!client.is_valid()) return Error{Errc::invalid_argument, options.server};
  client.set_connection_timeout(options.timeout);
  client.set_read_timeout(options.timeout);
  const auto result =
      client.Post(options.path, json{{"type", "offer"}, {"sdp", offer}}.dump(), "application/json");
  if (!result)
    return Error{result.error() == httplib::Error::Read ? Errc::timed_out : Errc::io,
                 options.server + ": " + httplib::to_string(result.error())};
  if (result->status != 200)
    return Error{Errc::incompatible,
                 "status " + std::to_string(result->status) + ": " + result->body.substr(0, 200)};
  const json answer = json::parse(result->body, nullptr, false);
  if (!answer.is_object() || !answer.contains("sdp") || !answer["sdp"].is_string())
    return Error{Errc::malformed, "no answer in JSON"};
  return answer["sdp"].get<std::string>();
}

}  // namespace echo_client
