#include "echo_server/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "parley/stun/uri.hpp"

namespace echo_server {
namespace {

using example::Stop;

/// The options that CLI11 cannot convert by itself, as they were typed.
struct Typed {
  std::vector<std::string> bind, public_addresses, play;
  std::string record;
};

void declare(CLI::App& app, Options& o, Typed& t) {
  app.add_option("--http-port", o.http_port, "TCP port of the HTTP interface; 0 picks one (8080)")
      ->type_name("PORT");
  app.add_option("--udp-port", o.udp_port, "UDP port that all calls share; 0 picks one (0)")
      ->type_name("PORT");
  app.add_option("--bind", t.bind,
                 "Address for media, and the first of them for HTTP; may be repeated (all)")
      ->type_name("ADDRESS");
  app.add_option("--public-address", t.public_addresses,
                 "Address under which a 1:1 NAT shows this host; once per IP version")
      ->type_name("ADDRESS");
  app.add_option("--ice-server", o.ice_servers,
                 "stun:HOST[:PORT], for this server and told to its peers; may be repeated")
      ->type_name("URI");
  app.add_option("--record", t.record, "Write received media into this folder")->type_name("DIR");
  app.add_option("--play", t.play,
                 "What WHEP shows while nobody publishes: .ivf and Ogg Opus; may be repeated")
      ->type_name("FILE");
  app.add_option("--token", o.token, "Bearer token that WHIP and WHEP requests must carry")
      ->type_name("TOKEN");
  app.add_flag("--transcode", o.transcode, "Decode and encode again instead of echoing frames");
  app.add_option("--max-peers", o.max_peers, "Calls at a time (100)")->type_name("N");
  app.add_option("--max-body", o.max_body_kilobytes, "Longest request body in kilobytes (256)")
      ->type_name("KB");
  app.add_flag("--verbose", o.verbose, "Say on standard error what happens");
}

std::optional<Stop> convert(const Typed& t, Options& o) {
  if (auto stop = example::read_addresses("--bind", t.bind, o.bind)) return stop;
  if (auto stop =
          example::read_addresses("--public-address", t.public_addresses, o.public_addresses))
    return stop;
  // The wildcard addresses mean what no option means.
  if (std::any_of(o.bind.begin(), o.bind.end(), [](const auto& ip) { return ip.is_any(); }))
    o.bind.clear();
  for (const std::string& uri : o.ice_servers) {
    const auto parsed = parley::stun::ServerUri::parse(uri);
    if (!parsed) return Stop{2, "--ice-server: " + parsed.error().to_string()};
  }
  for (const std::string& file : t.play) o.play.emplace_back(file);
  if (!t.record.empty()) o.record = t.record;
  return std::nullopt;
}

}  // namespace

std::variant<Options, example::Stop> parse_options(int argc, const char* const* argv) {
  Options options;
  Typed typed;
  CLI::App app{"Sends back to any WebRTC peer what it sends: sound, pictures and messages.",
               "echo_server"};
  declare(app, options, typed);
  if (auto stop = example::read_arguments(app, argc, argv)) return *stop;
  if (auto stop = convert(typed, options)) return *stop;
  return options;
}

}  // namespace echo_server
