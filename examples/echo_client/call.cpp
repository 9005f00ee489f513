#include "echo_client/call.hpp"

#include <cstdio>
#include <utility>

#include "echo_client/connect_test.hpp"
#include "echo_client/data_test.hpp"
#include "echo_client/media_test.hpp"

namespace echo_client {

using namespace parley;
using namespace std::chrono_literals;

std::unique_ptr<Call> Call::create(Driver& driver, const Options& options) {
  switch (options.test) {
    case Test::media:
      return std::make_unique<MediaTest>(driver, options);
    case Test::data:
      return std::make_unique<DataTest>(driver, options);
    case Test::connect:
      break;
  }
  return std::make_unique<ConnectTest>(driver, options);
}

void Call::start(std::function<void(Result<std::string>)> offered) {
  Configuration configuration;
  configuration.network.bind_addresses = options_.bind;
  configuration.network.include_loopback = true;
  auto made = PeerConnection::create(driver_, std::move(configuration));
  if (!made) return offered(made.error());
  connection_ = std::move(*made);
  connection_->on_connection_state_change([this](ConnectionState state) { handle_state(state); });
  connection_->on_ice_gathering_state_change([this](IceGatheringState state) {
    if (state == IceGatheringState::complete) handle_gathered();
  });
  if (auto prepared = prepare(*connection_); !prepared) return offered(prepared.error());
  if (auto offer = connection_->set_local_description(); !offer) return offered(offer.error());
  offered_ = std::move(offered);
  if (connection_->ice_gathering_state() == IceGatheringState::complete) handle_gathered();
}

void Call::handle_gathered() {
  if (!offered_) return;
  const auto offered = std::exchange(offered_, nullptr);
  offered(connection_->local_description()->sdp);
}

void Call::handle_answer(const std::string& sdp, Finished finished) {
  finished_ = std::move(finished);
  answered_at_ = driver_.now();
  const auto set = connection_->set_remote_description({SdpType::answer, sdp});
  if (!set) return finish("the answer cannot be used: " + set.error().to_string());
  after(options_.timeout, [this] {
    if (!connected_) finish("no connection came up in time");
  });
}

void Call::handle_state(ConnectionState state) {
  if (state == ConnectionState::connected && !connected_) {
    connected_ = true;
    connect_time_ = driver_.now() - answered_at_;
    after(options_.timeout, [this] { finish("time is up: " + progress()); });
    return handle_connected();
  }
  if (state == ConnectionState::failed)
    finish("the connection failed: " + connection_->failure_reason());
  if (state == ConnectionState::closed) finish("the server hung up: " + progress());
}

void Call::finish(std::string fault) {
  if (finished_) std::exchange(finished_, nullptr)(std::move(fault));
}

void Call::after(Duration delay, std::function<void()> task) {
  driver_.post_at(driver_.now() + delay,
                  [this, alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
                    if (alive.lock() && !finished()) task();
                  });
}

void Call::close() {
  finished_ = nullptr;
  if (connection_) connection_->close();
}

std::string Call::summary() const {
  char text[64];
  std::snprintf(text, sizeof text, "connected in %.0f ms", to_milliseconds(connect_time_));
  const std::string more = measured();
  return more.empty() ? text : text + (", " + more);
}

}  // namespace echo_client
