#include "echo_client/program.hpp"

#include <cstdio>
#include <future>
#include <memory>
#include <string>

#include "echo_client/call.hpp"
#include "echo_client/signalling.hpp"
#include "parley/io/runtime.hpp"

namespace echo_client {
namespace {

using namespace parley;

/// The fault; empty when the test passed. The call's own timeouts end every wait.
std::string run_call(io::Runtime& runtime, Call& call, const Options& options) {
  std::promise<Result<std::string>> offered;
  runtime.post(
      [&] { call.start([&](Result<std::string> offer) { offered.set_value(std::move(offer)); }); });
  const auto offer = offered.get_future().get();
  if (!offer) return "no offer could be made: " + offer.error().to_string();
  const auto answer = exchange(options, *offer);
  if (!answer) return "the server gave no answer: " + answer.error().to_string();
  std::promise<std::string> fault;
  runtime.post([&] {
    call.handle_answer(*answer, [&](std::string text) { fault.set_value(std::move(text)); });
  });
  return fault.get_future().get();
}

}  // namespace

int run(const Options& options) {
  io::Runtime runtime;
  auto call = runtime.run_sync(
      [&] { return std::shared_ptr<Call>(Call::create(runtime.driver(), options)); });
  const std::string fault = run_call(runtime, *call, options);
  const std::string summary = runtime.run_sync([&] {
    std::string text = call->summary();
    call->close();
    call.reset();
    return text;
  });
  runtime.stop();
  if (!fault.empty()) {
    std::fprintf(stderr, "failed: %s\n", fault.c_str());
    return 1;
  }
  std::printf("passed: %s\n", summary.c_str());
  return 0;
}

}  // namespace echo_client
