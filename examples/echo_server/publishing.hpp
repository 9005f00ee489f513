// The two roles around a stream: WHIP publishes, WHEP watches.
#pragma once

#include <memory>
#include <set>
#include <utility>

#include "echo_server/peer.hpp"
#include "echo_server/stream.hpp"

namespace echo_server {

/// Sends one audio and one video track into a stream (RFC 9725 section 4.4.2). Of the video codecs
/// that it offers the first that parley carries is used alone, so that watchers can be promised it.
class PublisherPeer final : public Peer {
 public:
  PublisherPeer(parley::Driver& driver, const Setting& setting, std::string id,
                std::shared_ptr<Stream> stream)
      : Peer(driver, setting, std::move(id), Role::publisher), stream_(std::move(stream)) {}
  ~PublisherPeer() override { handle_closed(); }

 private:
  parley::Result<void> prepare() override;
  parley::Result<std::string> adopt(parley::Transceiver transceiver,
                                    const parley::sdp::Description& offer);
  void publish(const parley::EncodedVideo& frame);
  void handle_connected() override;
  void handle_closed() override;

  std::shared_ptr<Stream> stream_;
  std::optional<parley::Transceiver> video_;
  LayerChoice layers_;
  bool publishing_ = false;
};

/// Gets what a stream carries. Pictures begin with a key frame, which the publisher is asked for.
/// It stays when the publisher leaves; one that was not promised the codec of the next is hung up.
class ViewerPeer final : public Peer, private Watcher {
 public:
  ViewerPeer(parley::Driver& driver, const Setting& setting, std::string id,
             std::shared_ptr<Stream> stream)
      : Peer(driver, setting, std::move(id), Role::viewer), stream_(std::move(stream)) {}
  ~ViewerPeer() override { handle_closed(); }

 private:
  parley::Result<void> prepare() override;
  void handle_connected() override;
  void handle_closed() override;
  void handle_publisher(const Content& content) override;
  void show(const parley::EncodedVideo& frame) override;
  void play(const parley::EncodedAudio& packet, std::uint32_t rtp_timestamp) override;

  std::shared_ptr<Stream> stream_;
  std::optional<parley::Transceiver> audio_;
  std::optional<parley::Transceiver> video_;
  AudioGaps gaps_;
  std::optional<parley::Timestamp> last_played_;
  bool is_next_ = false;  ///< nothing was heard yet of the publisher that began
  bool watching_ = false;
  bool saw_key_frame_ = false;
};

}  // namespace echo_server
