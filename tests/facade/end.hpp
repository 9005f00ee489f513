// One end of a call on real loopback sockets, driven by real time.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "parley/machine.hpp"
#include "parley/peer_connection.hpp"
#include "support/picture.hpp"

namespace parley::test {

/// How an end sends.
enum class Media {
  raw,      ///< pictures and PCM, coded by parley
  encoded,  ///< made-up encoded frames, which cost nothing to make
};

/// A PeerConnection with its application: it signals by posting to the peer's driver, sends a
/// picture every 33 ms and sound every 10 ms, and counts what comes. Created, used and released on
/// its driver's sequence; `problem` says what went wrong, because assertions belong to the main
/// thread.
class End : public std::enable_shared_from_this<End> {
 public:
  static std::shared_ptr<End> create(Driver& driver, Media media, const IpAddress& address) {
    auto end = std::shared_ptr<End>{new End{driver, media}};
    Configuration config;
    config.network.bind_addresses = {address};
    config.network.include_loopback = true;
    auto made = PeerConnection::create(driver, config);
    if (!made) {
      end->problem = made.error().to_string();
      return end;
    }
    end->pc = std::move(*made);
    end->install_handlers();
    return end;
  }

  /// Where descriptions and candidates go. The peer's driver must live as long as this end.
  void set_peer(Driver& driver, std::weak_ptr<End> peer) {
    signal_ = [&driver, peer = std::move(peer)](std::function<void(End&)> task) {
      driver.post([peer, task = std::move(task)] {
        if (const auto end = peer.lock(); end && end->pc) task(*end);
      });
    };
  }

  /// Makes the offer; the rest follows.
  void call() {
    add(pc->add_transceiver(MediaKind::audio));
    add(pc->add_transceiver(MediaKind::video));
    const auto offer = pc->set_local_description();
    if (!offer) return note(offer.error());
    signal_([offer = *offer](End& peer) { peer.answer(offer); });
  }

  bool connected() const { return pc && pc->connection_state() == ConnectionState::connected; }
  /// Enough to say that media flows: pictures shown and, of raw media, decoded sound.
  bool received(int wanted) const {
    return pictures >= wanted && (media_ == Media::encoded ? sounds : blocks_played) >= wanted;
  }

  std::unique_ptr<PeerConnection> pc;
  int pictures = 0;
  int blocks_played = 0;  ///< of 10 ms, decoded from what was received
  int sounds = 0;         ///< encoded packets received
  double worst_psnr = 99;
  std::vector<ConnectionState> states;
  std::string problem;
  /// Runs after every picture, sound and change of state; may do anything.
  std::function<void(End&)> on_progress;

 private:
  static constexpr Duration kTick = 10ms;

  End(Driver& driver, Media media) : driver_(driver), media_(media) {}

  void install_handlers() {
    const std::weak_ptr<End> weak = weak_from_this();
    pc->on_ice_candidate([weak](const IceCandidate& candidate) {
      const auto self = weak.lock();
      if (!self) return;
      self->signal_([candidate](End& peer) {
        const auto added = peer.pc->add_ice_candidate(candidate);
        if (!added && added.error().code != Errc::closed) peer.note(added.error());
      });
    });
    pc->on_connection_state_change([weak](ConnectionState state) {
      const auto self = weak.lock();
      if (!self) return;
      self->states.push_back(state);
      if (state == ConnectionState::connected) self->tick();
      self->progress();
    });
    pc->on_track([weak](Transceiver transceiver) {
      if (const auto self = weak.lock()) self->receive(std::move(transceiver));
    });
  }

  void answer(const SessionDescription& offer) {
    if (auto set = pc->set_remote_description(offer); !set) return note(set.error());
    for (Transceiver& transceiver : pc->transceivers()) {
      if (auto set = transceiver.set_direction(Direction::sendrecv); !set) note(set.error());
      add(transceiver);
    }
    const auto made = pc->set_local_description();
    if (!made) return note(made.error());
    signal_([answer = *made](End& peer) {
      if (auto set = peer.pc->set_remote_description(answer); !set) peer.note(set.error());
    });
  }

  void add(const Result<Transceiver>& transceiver) {
    if (!transceiver) return note(transceiver.error());
    (transceiver->kind() == MediaKind::audio ? audio_ : video_) = *transceiver;
  }

  void receive(Transceiver transceiver) {
    const std::weak_ptr<End> weak = weak_from_this();
    if (transceiver.kind() == MediaKind::audio) {
      if (media_ == Media::raw) return;  // pulled in tick()
      transceiver.on_encoded_audio([weak](const EncodedAudio&, std::uint32_t) {
        const auto self = weak.lock();
        if (!self) return;
        ++self->sounds;
        self->progress();
      });
    } else if (media_ == Media::encoded) {
      transceiver.on_encoded_frame([weak](const EncodedVideo&) {
        const auto self = weak.lock();
        if (!self) return;
        ++self->pictures;
        self->progress();
      });
    } else {
      transceiver.on_frame([weak](const VideoFrame& frame) {
        const auto self = weak.lock();
        if (!self) return;
        ++self->pictures;
        // Every end sends the same pictures in turn; the best match is the one that was sent.
        double best = 0;
        for (int number = 0; number < kPictures; ++number) {
          best = std::max(
              best, luma_psnr(*frame.picture, *self->pictures_[static_cast<std::size_t>(number)]));
        }
        self->worst_psnr = std::min(self->worst_psnr, best);
        self->progress();
      });
    }
  }

  void tick() {
    if (!connected() && !states.empty() && states.back() != ConnectionState::disconnected) return;
    if (driver_.now() >= next_picture_) {
      next_picture_ = driver_.now() + 33ms;
      send_picture();
    }
    send_sound();
    driver_.post_at(driver_.now() + kTick, [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && self->pc) self->tick();
    });
  }

  void send_picture() {
    if (!video_) return;
    // Refused while the path is being found, and after the connection has closed.
    if (media_ == Media::raw) {
      const int number = picture_number_++ % kPictures;
      (void)video_
          ->send({.picture = pictures_[static_cast<std::size_t>(number)],
                  .capture_time = driver_.now()})
          .has_value();
      return;
    }
    // RFC 6386 section 9.1: bit 0 of a frame is clear in key frames, which carry their size.
    EncodedVideo frame{.data = {0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01},
                       .key_frame = true,
                       .capture_time = driver_.now(),
                       .width = 640,
                       .height = 360};
    frame.data.resize(3000, 0x55);
    (void)video_->send_encoded(frame).has_value();
  }

  void send_sound() {
    if (!audio_) return;
    if (media_ == Media::encoded) {
      // SILK, wide band, one frame of 20 ms (RFC 6716 section 3.1): forwarders look no further.
      std::vector<std::uint8_t> packet(40, 7);
      packet[0] = 0x48;
      (void)audio_->send_encoded(EncodedAudio{.data = std::move(packet)}).has_value();
      return;
    }
    std::array<std::int16_t, kSamplesPer10Ms> pcm;
    for (auto& sample : pcm) {
      sample = static_cast<std::int16_t>(8000 * std::sin(phase_));
      phase_ += 2 * 3.14159265358979 * 300 / kAudioSampleRate;
    }
    (void)audio_->send(pcm).has_value();
    AudioBlock block;
    if (audio_->read(block) == PlayoutOutcome::normal) ++blocks_played;
  }

  void progress() {
    const auto self = shared_from_this();
    if (const auto hook = on_progress) hook(*this);
  }
  void note(const Error& error) {
    if (problem.empty()) problem = error.to_string();
  }

  static constexpr int kPictures = 8;
  Driver& driver_;
  Media media_;
  std::function<void(std::function<void(End&)>)> signal_;
  std::optional<Transceiver> audio_, video_;
  std::array<std::shared_ptr<const I420Buffer>, kPictures> pictures_ = [] {
    std::array<std::shared_ptr<const I420Buffer>, kPictures> made;
    for (int i = 0; i < kPictures; ++i) made[static_cast<std::size_t>(i)] = moving_picture(i);
    return made;
  }();
  int picture_number_ = 0;
  Timestamp next_picture_ = Timestamp::min();
  double phase_ = 0;
};

/// Makes the two ends know each other.
inline void link_ends(Driver& first_driver, const std::shared_ptr<End>& first,
                      Driver& second_driver, const std::shared_ptr<End>& second) {
  first->set_peer(second_driver, second);
  second->set_peer(first_driver, first);
}

}  // namespace parley::test
