// parley as one end of a call with a stack that is not ours: requests in, replies out, one JSON
// line each. docs/interop.md lists the requests; tests/interop/run sends them.
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "call.hpp"
#include "parley/io/runtime.hpp"

namespace {

using interop::json;

struct StderrLog final : parley::LogSink {
  bool wants(parley::Severity) const override { return true; }
  void write(parley::Severity, std::string_view module, std::string_view line) override {
    std::cerr << module << ": " << line << '\n';
  }
};

/// Used on the driver's sequence only, like the calls that it makes.
class Program {
 public:
  Program(parley::Driver& driver, parley::LogSink* log) : driver_(driver), log_(log) {}

  void handle_line(const std::string& line) {
    const json request = json::parse(line, nullptr, false);
    if (!request.is_object()) return say({{"error", "not JSON: " + line}});
    const json id = request.value("id", json{});
    try {
      if (request.at("do") == "start") {
        end_call();
        call_ = std::make_shared<interop::Call>(driver_, request, log_);
        return say({{"id", id}});
      }
      if (!call_) return say({{"id", id}, {"error", "no call was started"}});
      call_->handle(request, [id](json reply) {
        reply["id"] = id;
        say(reply);
      });
    } catch (const std::exception& error) {
      say({{"id", id}, {"error", error.what()}});
    }
  }

  void end_call() {
    if (call_) call_->close();
    call_.reset();
  }

 private:
  static void say(const json& line) { std::cout << line.dump() << '\n' << std::flush; }

  parley::Driver& driver_;
  parley::LogSink* log_;
  std::shared_ptr<interop::Call> call_;
};

}  // namespace

int main(int argc, char** argv) {
  bool log = false;
  CLI::App app{"One end of a call with another WebRTC stack."};
  app.add_flag("--log", log, "log to standard error");
  CLI11_PARSE(app, argc, argv);

  StderrLog sink;
  parley::io::Runtime runtime;
  auto program = runtime.run_sync(
      [&] { return std::make_unique<Program>(runtime.driver(), log ? &sink : nullptr); });
  std::string line;
  while (std::getline(std::cin, line)) {
    runtime.post([&program, line] { program->handle_line(line); });
  }
  runtime.run_sync([&] { program->end_call(); });
  runtime.stop();
}
