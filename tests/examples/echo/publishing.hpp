// What a test peer sends.
#pragma once

#include <memory>
#include <vector>

#include "echo/server_fixture.hpp"

namespace echo_server {

/// Sends Opus silence, if the peer has audio, and one picture again and again.
class Publishing {
 public:
  Publishing(ServerFixture& server, TestPeer& peer, int width = 160, int height = 96)
      : server_(server),
        peer_(peer),
        picture_(std::make_shared<parley::I420Buffer>(width, height)) {
    server_.runtime.run_sync([&] { tick(); });
  }
  ~Publishing() {
    server_.runtime.run_sync([&] { *running_ = false; });
  }
  Publishing(const Publishing&) = delete;
  Publishing& operator=(const Publishing&) = delete;

 private:
  void tick() {
    using namespace std::chrono_literals;
    const parley::Timestamp now = server_.runtime.driver().now();
    (void)peer_.video->send({.picture = picture_, .capture_time = now}).has_value();
    if (peer_.audio) (void)peer_.audio->send(std::vector<std::int16_t>(960)).has_value();
    server_.runtime.driver().post_at(now + 20ms, [this, running = running_] {
      if (*running) tick();
    });
  }
  ServerFixture& server_;
  TestPeer& peer_;
  std::shared_ptr<const parley::I420Buffer> picture_;
  std::shared_ptr<bool> running_ = std::make_shared<bool>(true);  ///< of the sequence
};

}  // namespace echo_server
