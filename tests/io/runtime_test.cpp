#include "parley/io/runtime.hpp"

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using namespace parley::test;

TEST_CASE("A runtime runs posted tasks on its own thread and returns values", "[io]") {
  io::Runtime runtime;
  const auto here = std::this_thread::get_id();
  CHECK(runtime.run_sync([] { return std::this_thread::get_id(); }) != here);
  CHECK(runtime.run_sync([] { return std::string{"value"}; }) == "value");
  int posted = 0;
  for (int i = 0; i < 10; ++i) runtime.post([&] { ++posted; });
  CHECK(runtime.run_sync([&] { return posted; }) == 10);
  runtime.run_sync([&] { posted = 0; });
  CHECK(posted == 0);
}

TEST_CASE("A task may post and run further ones without waiting for itself", "[io]") {
  std::promise<int> result;
  io::Runtime runtime;
  runtime.post([&] {
    const int inner = runtime.run_sync([] { return 41; });
    runtime.post([&result, inner] { result.set_value(inner + 1); });
  });
  CHECK(result.get_future().get() == 42);
}

TEST_CASE("Stopping runs what was posted and drops what comes later", "[io]") {
  io::Runtime runtime;
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) runtime.post([&] { ++ran; });
  runtime.stop();
  CHECK(ran == 100);
  runtime.post([&] { ++ran; });
  runtime.stop();
  CHECK(ran == 100);
  // After the end the caller is the sequence.
  CHECK(runtime.run_sync([] { return std::this_thread::get_id(); }) == std::this_thread::get_id());
}

TEST_CASE("Threads that ask while the runtime stops all get their answer", "[io]") {
  io::Runtime runtime;
  std::atomic<int> answers{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) answers += runtime.run_sync([] { return 1; });
    });
  }
  runtime.stop();
  for (auto& thread : threads) thread.join();
  CHECK(answers == 800);
}

TEST_CASE("Engines on two runtimes talk to each other", "[io]") {
  io::Runtime left, right;
  TestEngine a, b;
  std::promise<void> answered;
  const auto open = [](io::Runtime& runtime, TestEngine& engine) {
    return runtime.run_sync([&] {
      runtime.driver().attach(engine);
      return *runtime.driver().open_socket(engine, {kLoopback4, 0});
    });
  };
  b.on_datagram = [&](Timestamp, const Path& path, MutableBytes) { b.send(path, {2}); };
  a.on_datagram = [&](Timestamp, const Path&, MutableBytes) { answered.set_value(); };
  const SocketAddress to = open(right, b);
  const SocketAddress from = open(left, a);
  left.post([&] {
    a.send({from, to}, {1});
    left.driver().wake(a);
  });
  CHECK(answered.get_future().wait_for(std::chrono::seconds{60}) == std::future_status::ready);
  left.run_sync([&] { left.driver().detach(a); });
  right.run_sync([&] { right.driver().detach(b); });
}
