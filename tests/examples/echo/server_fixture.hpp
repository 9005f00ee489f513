// A server without sockets for HTTP, and peers that call it over UDP on the loopback interface.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "echo_server/http_interface.hpp"
#include "echo_server/peers.hpp"
#include "parley/io/runtime.hpp"
#include "parley/peer_connection.hpp"

namespace echo_server {

inline Options loopback_options() {
  Options options;
  options.bind = {parley::IpAddress::loopback(parley::AddressFamily::ipv4)};
  return options;
}

class ServerFixture {
 public:
  explicit ServerFixture(const Options& options = loopback_options())
      : peers(runtime.run_sync(
            [&] { return std::make_shared<Peers>(runtime.driver(), options, configuration()); })),
        interface(runtime, *peers, options) {}
  ~ServerFixture() {
    runtime.run_sync([&] { peers.reset(); });
  }

  static parley::Configuration configuration() {
    parley::Configuration configuration;
    configuration.network.bind_addresses = loopback_options().bind;
    configuration.codecs = {"opus", "VP8", "VP9"};
    configuration.video.receive_simulcast = true;
    return configuration;
  }

  HttpResponse request(HttpRequest request) { return interface.handle(request); }
  HttpResponse send(const std::string& method, const std::string& path,
                    const std::string& body = {}, const std::string& type = {}) {
    return interface.handle({.method = method, .path = path, .content_type = type, .body = body});
  }
  HttpResponse post_sdp(const std::string& path, const std::string& sdp) {
    return send("POST", path, sdp, "application/sdp");
  }
  std::size_t peer_count() {
    return runtime.run_sync([&] { return peers->size(); });
  }

  parley::io::Runtime runtime;
  std::shared_ptr<Peers> peers;
  HttpInterface interface;
};

inline std::string header(const HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

/// True as soon as `holds` is, false when it is not within five seconds.
inline bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 1000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return false;
}

/// A peer of the server, on the same runtime.
class TestPeer {
 public:
  struct Wants {
    std::optional<parley::Direction> audio;
    std::optional<parley::Direction> video;
    bool data = false;
    std::vector<std::string> video_codecs;          ///< empty: all
    std::vector<parley::SendEncoding> encodings{};  ///< of the video: simulcast
  };

  TestPeer(ServerFixture& server, const Wants& wants) : runtime_(server.runtime) {
    offer = runtime_.run_sync([&] {
      pc = std::move(*parley::PeerConnection::create(runtime_.driver(), server.configuration()));
      if (wants.audio)
        audio = *pc->add_transceiver(parley::MediaKind::audio, {.direction = *wants.audio});
      if (wants.video)
        video = *pc->add_transceiver(parley::MediaKind::video, {.direction = *wants.video,
                                                                .codecs = wants.video_codecs,
                                                                .send_encodings = wants.encodings});
      if (wants.data) channel = *pc->create_data_channel("test");
      return pc->set_local_description()->sdp;
    });
    // Host candidates are there at once; the description shows them when asked again.
    (void)eventually([&] { return gathered(); });
    offer = runtime_.run_sync([&] { return pc->local_description()->sdp; });
  }
  ~TestPeer() {
    runtime_.run_sync([&] { pc.reset(); });
  }

  bool accept(const std::string& answer) {
    return runtime_.run_sync([&] {
      return pc->set_remote_description({parley::SdpType::answer, answer}).has_value();
    });
  }
  bool is(parley::ConnectionState state) {
    return runtime_.run_sync([&] { return pc->connection_state() == state; });
  }
  bool connects() {
    return eventually([&] { return is(parley::ConnectionState::connected); });
  }
  double inbound(const char* kind, const char* member) {
    return runtime_.run_sync([&] {
      const auto stats = pc->get_stats();
      const auto* stream = stats.first("inbound-rtp", kind);
      return stream != nullptr ? stream->number(member).value_or(0) : 0;
    });
  }
  void close() {
    runtime_.run_sync([&] { pc->close(); });
  }

  std::unique_ptr<parley::PeerConnection> pc;
  std::optional<parley::Transceiver> audio;
  std::optional<parley::Transceiver> video;
  std::optional<parley::DataChannel> channel;
  std::string offer;

 private:
  bool gathered() {
    return runtime_.run_sync(
        [&] { return pc->ice_gathering_state() == parley::IceGatheringState::complete; });
  }
  parley::io::Runtime& runtime_;
};

}  // namespace echo_server
