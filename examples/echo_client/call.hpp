// One call to an echo server, from the offer to the verdict.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "echo_client/options.hpp"
#include "parley/machine.hpp"
#include "parley/peer_connection.hpp"

namespace echo_client {

/// The base of the three tests. On the driver's sequence.
class Call {
 public:
  /// Empty: passed.
  using Finished = std::function<void(std::string fault)>;

  static std::unique_ptr<Call> create(parley::Driver& driver, const Options& options);
  virtual ~Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// Makes the offer; `offered` gets it with all candidates in it.
  void start(std::function<void(parley::Result<std::string>)> offered);
  /// Takes the answer, and tells how the test ended. The test begins when the connection is up.
  void handle_answer(const std::string& sdp, Finished finished);
  /// Says goodbye.
  void close();

  /// What was measured, for the user: "connected in 23 ms".
  std::string summary() const;

 protected:
  Call(parley::Driver& driver, const Options& options) : driver_(driver), options_(options) {}

  /// Adds what the offer shall hold.
  virtual parley::Result<void> prepare(parley::PeerConnection& connection) = 0;
  virtual void handle_connected() = 0;
  /// What was missing when the time was up: "30 pictures came back".
  virtual std::string progress() const = 0;
  virtual std::string measured() const { return {}; }

  void finish(std::string fault);
  bool finished() const { return finished_ == nullptr; }
  /// `task` later, unless the call is over by then.
  void after(parley::Duration delay, std::function<void()> task);

  parley::Driver& driver() { return driver_; }
  const Options& options() const { return options_; }

 private:
  void handle_state(parley::ConnectionState state);
  void handle_gathered();

  parley::Driver& driver_;
  const Options& options_;
  std::unique_ptr<parley::PeerConnection> connection_;
  std::function<void(parley::Result<std::string>)> offered_;
  Finished finished_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  parley::Timestamp answered_at_{};
  parley::Duration connect_time_{};
  bool connected_ = false;
};

}  // namespace echo_client
