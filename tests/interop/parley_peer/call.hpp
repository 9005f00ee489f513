// One call with a stack that is not ours, as tests/interop/run asks for it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "channels.hpp"
#include "lossy_driver.hpp"
#include "parley/peer_connection.hpp"
#include "test_media.hpp"

namespace interop {

using nlohmann::json;
using Reply = std::function<void(json)>;

/// What the request "start" chooses.
struct CallOptions {
  bool decode = false;  ///< decode what comes and send media of our own, instead of echoing
  double hertz = 660;
  int width = 640;
  int height = 360;
  parley::Direction direction = parley::Direction::sendrecv;
  std::vector<std::string> video_codecs;  ///< empty: all
  bool apart = false;  ///< of several videos, each keeps to four values of the marker of its own
  bool key_frames = false;  ///< makes one every two seconds
};

/// Answers requests; docs/interop.md lists them. Thread rule: all members are used on the driver's
/// sequence. The driver and the log outlive the call.
class Call : public std::enable_shared_from_this<Call> {
 public:
  /// Throws what JSON throws when `request` is not as it should be, and std::runtime_error with the
  /// library's error.
  Call(parley::Driver& driver, const json& request, parley::LogSink* log);

  void handle(const json& request, Reply reply);
  void close() { pc_->close(); }

 private:
  /// A transceiver and what came on it.
  struct Track {
    parley::Transceiver transceiver;
    ToneMeter tone;
    int blocks = 0;            ///< of 10 ms, decoded; of any length, echoed
    int pictures = 0;          ///< decoded or echoed
    int markers = 0;           ///< pictures with a valid marker
    int video = 0;             ///< how many videos there were before this
    std::uint32_t values = 0;  ///< one bit for each counter seen
  };

  void offer(const json& request, Reply reply);
  void answer(const json& request, Reply reply);
  /// The requests about data channels; false for others.
  bool handle_data(const std::string& what, const json& request, const Reply& reply);
  TestChannel& own_channel(const json& request);
  json counts() const;
  json stats() const;
  void adopt_new_transceivers();
  void prefer(const std::vector<std::string>& video_codecs);
  void echo(const std::shared_ptr<Track>& track);
  void show(const std::shared_ptr<Track>& track, int number, parley::Timestamp due);
  void speak(const std::shared_ptr<Track>& track, std::uint64_t position, parley::Timestamp due);
  void ask_for_key_frames();
  /// Now and every two seconds, for a peer that does not ask for those that it lacks.
  void make_key_frames();
  /// Replies with what `result` says as soon as `condition` holds, or when `seconds` are over.
  void reply_when(std::function<bool()> condition, double seconds, std::function<json()> result,
                  Reply reply);
  void reply_with_description(const char* type, Reply reply);

  LossyDriver driver_;
  CallOptions options_;
  std::unique_ptr<parley::PeerConnection> pc_;
  std::vector<std::shared_ptr<Track>> tracks_;
  std::vector<std::unique_ptr<TestChannel>> channels_;
  std::string states_;
  parley::Timestamp described_{};
  std::optional<parley::Timestamp> connected_;
  std::optional<parley::Timestamp> gone_;
};

}  // namespace interop
