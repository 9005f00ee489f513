#include "file_transfer/options.hpp"

#include <CLI/CLI.hpp>

namespace file_transfer {

std::variant<Options, example::Stop> parse_options(int argc, const char* const* argv) {
  CLI::App app{
      "Sends a file or a folder from one machine to another over a WebRTC data channel. An "
      "interrupted transfer goes on where it ended when both ends are started again."};
  app.name("file_transfer");
  app.require_subcommand(1);
  Options options;
  std::string path;
  std::vector<std::string> bind;
  const auto common = [&](CLI::App* command) {
    command->add_option("--ice-server", options.ice_servers,
                        "A STUN server, for ends behind different NATs: stun:HOST[:PORT]");
    command->add_option("--bind", bind, "Local addresses to use (all but loopback)");
    command->add_flag("--quiet", options.quiet, "No progress bar");
  };
  CLI::App* send = app.add_subcommand("send", "Offer a file or folder");
  send->add_option("PATH", path, "What to send")->required();
  send->add_option("--to", options.to, "Where `receive --http` listens: http://HOST:PORT");
  common(send);
  CLI::App* receive = app.add_subcommand("receive", "Take what is offered");
  receive->add_option("DIR", path, "Where it goes (.)");
  receive->add_option("--http", options.listen, "Wait for the sender's call on ADDRESS:PORT");
  receive->add_flag("--keep-listening", options.keep_listening, "Go on after a transfer (--http)");
  common(receive);
  if (auto stop = example::read_arguments(app, argc, argv)) return *stop;
  options.role = send->parsed() ? Role::send : Role::receive;
  options.path = path.empty() ? std::filesystem::path(".") : std::filesystem::path(path);
  if (auto stop = example::read_addresses("--bind", bind, options.bind)) return *stop;
  return options;
}

}  // namespace file_transfer
