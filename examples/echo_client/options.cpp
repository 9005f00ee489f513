#include "echo_client/options.hpp"

#include <CLI/CLI.hpp>

namespace echo_client {
namespace {

struct Typed {
  std::string url;
  int test = 0;
  double timeout = 10;
  double seconds = 2;
  std::vector<std::string> bind;
};

/// "http://host:port/path" in its two parts; without a path it is the one of the server here.
bool split_url(const std::string& url, Options& o) {
  const std::size_t scheme = url.find("://");
  if (!url.starts_with("http://") && !url.starts_with("https://")) return false;
  const std::size_t path = url.find('/', scheme + 3);
  o.server = url.substr(0, path);
  if (path != std::string::npos && path + 1 < url.size()) o.path = url.substr(path);
  return o.server.size() > scheme + 3;
}

void declare(CLI::App& app, Options& o, Typed& t) {
  app.add_option("URL", t.url, "Where offers are posted: http://HOST:PORT[/offer]")->required();
  app.add_option("-t,--test", t.test,
                 "0: a connection comes up, 1: messages come back, 2: sound and pictures do (0)")
      ->check(CLI::Range(0, 2))
      ->type_name("N");
  app.add_option("--timeout", t.timeout, "For the answer, the connection and the echo, each (10)")
      ->check(CLI::Range(0.1, 3600.0))
      ->type_name("SECONDS");
  app.add_option("--seconds", t.seconds, "How much sound and picture is compared (2)")
      ->check(CLI::Range(0.5, 3600.0))
      ->type_name("SECONDS");
  app.add_option("--min-psnr", o.min_psnr_db, "Mean luma PSNR that the pictures must have (25)")
      ->check(CLI::Range(0.0, 99.0))
      ->type_name("DB");
  app.add_option("--bind", t.bind, "Local address to use; may be repeated (all)")
      ->type_name("ADDRESS");
  app.add_flag("--verbose", o.verbose, "Say on standard error what happens");
}

}  // namespace

std::variant<Options, example::Stop> parse_options(int argc, const char* const* argv) {
  Options options;
  Typed typed;
  CLI::App app{"Calls an echo server and checks what comes back.", "echo_client"};
  declare(app, options, typed);
  if (auto stop = example::read_arguments(app, argc, argv)) return *stop;
  if (!split_url(typed.url, options))
    return example::Stop{2, "'" + typed.url + "' is no http:// or https:// URL"};
  options.test = static_cast<Test>(typed.test);
  options.timeout = parley::from_seconds(typed.timeout);
  options.length = parley::from_seconds(typed.seconds);
  if (auto stop = example::read_addresses("--bind", typed.bind, options.bind)) return *stop;
  return options;
}

}  // namespace echo_client
