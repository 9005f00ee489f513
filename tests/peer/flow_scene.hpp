// A call with any number of videos, which renegotiates at the test's word.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "peer/call_scene.hpp"

namespace parley::test {

/// A scene whose sides hold any number of video transceivers; what arrives is counted by mid.
struct Flow : CallScene {
  explicit Flow(Options options = {.audio = false, .video = false})
      : CallScene(std::move(options)) {
    watch(a, at_a);
    watch(b, at_b);
  }

  struct Counts {
    std::map<std::string, int> shown;      ///< pictures by mid
    std::map<int, int> tracks, ended;      ///< events by transceiver id
    std::map<int, bool> stopped_at_ended;  ///< what stopped() said then
    std::set<std::pair<int, int>> sizes;
  };
  Counts at_a, at_b;

  static Transceiver by_mid(const Side& side, const std::string& mid) {
    for (const Transceiver& t : side.pc->transceivers()) {
      if (t.mid() == mid) return t;
    }
    FAIL("no transceiver with mid " << mid);
    return side.pc->transceivers().front();
  }

  /// Offer, `turn` of the answerer, answer; without delay.
  static void exchange(Side& offerer, Side& answerer, const std::function<void()>& turn = {}) {
    const auto offer = offerer.pc->set_local_description();
    REQUIRE(offer);
    REQUIRE(answerer.pc->set_remote_description(*offer));
    if (turn) turn();
    const auto answer = answerer.pc->set_local_description();
    REQUIRE(answer);
    REQUIRE(offerer.pc->set_remote_description(*answer));
  }
  static void send_back(Side& side) {
    for (Transceiver t : side.pc->transceivers()) REQUIRE(t.set_direction(Direction::sendrecv));
  }

  /// Both sides send on every video transceiver that lets them, for `span`.
  void run_pictures(Duration span, int width = 160, int height = 120) {
    const Timestamp end = now() + span;
    for (; now() < end; run_for(33ms)) {
      for (Side* side : {&a, &b}) {
        for (Transceiver t : side->pc->transceivers()) {
          if (t.kind() != MediaKind::video) continue;
          (void)t
              .send(VideoFrame{.picture = moving_picture(picture_++, width, height),
                               .capture_time = now()})
              .has_value();
        }
      }
    }
  }

 private:
  void watch(Side& side, Counts& counts) {
    side.pc->on_track([&side, &counts](Transceiver t) {
      ++side.tracks;
      ++counts.tracks[t.id()];
      if (t.kind() != MediaKind::video) return;
      t.on_frame([&counts, t](const VideoFrame& frame) {
        ++counts.shown[t.mid()];
        counts.sizes.emplace(frame.picture->width(), frame.picture->height());
      });
    });
    side.pc->on_track_ended([&counts](Transceiver t) {
      ++counts.ended[t.id()];
      counts.stopped_at_ended[t.id()] = t.stopped();
    });
  }
  int picture_ = 0;
};

}  // namespace parley::test
