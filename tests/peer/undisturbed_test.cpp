// A negotiation that leaves media as they are: nobody who watches the pictures or the packets can
// tell when it was.
#include <map>
#include <optional>
#include <vector>

#include "parley/rtp/packet.hpp"
#include "peer/flow_scene.hpp"

using namespace parley;
using parley::test::Flow;
using parley::test::Side;

namespace {

constexpr Duration kPicture = 33ms;  // of Flow::run_pictures

/// Looks at the RTP headers of everything that is sent: each stream goes on by ones, and its time
/// by pictures.
class StreamWatch {
 public:
  explicit StreamWatch(sim::Network& network) {
    network.set_tap([this](const sim::TapRecord& record) {
      if (record.point != sim::TapPoint::sent) return;
      const auto view = rtp::PacketView::parse(record.bytes);
      const bool is_rtp = view && view->payload_type().value() >= 96;  // not RTCP, not STUN
      if (is_rtp) note(*view);
    });
  }

  std::size_t streams() const { return last_.size(); }
  int jumps() const { return jumps_; }

 private:
  struct Last {
    std::uint16_t sequence;
    std::uint32_t timestamp;
  };
  void note(const rtp::PacketView& packet) {
    const Last now{packet.sequence_number(), packet.timestamp()};
    const auto [known, is_new] = last_.emplace(packet.ssrc().value(), now);
    if (is_new) return;
    const bool follows = now.sequence == static_cast<std::uint16_t>(known->second.sequence + 1) &&
                         now.timestamp - known->second.timestamp <= 2 * 33 * 90;
    if (!follows) ++jumps_;
    known->second = now;
  }
  std::map<std::uint32_t, Last> last_;
  int jumps_ = 0;
};

/// What a disturbance would show in; both sides' numbers, by name.
std::map<std::string, double> disturbances(const Side& side) {
  std::map<std::string, double> out;
  const auto report = side.pc->get_stats();
  const auto take = [&](const char* type, std::vector<const char*> names) {
    const auto* object = report.first(type, "video");
    REQUIRE(object != nullptr);
    for (const char* name : names) {
      out[std::string{type} + " " + name] = object->number(name).value_or(-1);
    }
  };
  take("outbound-rtp", {"ssrc", "keyFramesEncoded", "pliCount", "firCount", "nackCount",
                        "retransmittedPacketsSent"});
  take("inbound-rtp", {"ssrc", "keyFramesDecoded", "pliCount", "firCount", "nackCount",
                       "packetsLost", "framesDropped", "freezeCount"});
  return out;
}

void check_undisturbed(bool first_offer_by_a, bool next_offer_by_a, bool adds_data) {
  Flow call;
  Side& first = first_offer_by_a ? call.a : call.b;
  Side& answering = first_offer_by_a ? call.b : call.a;
  (void)*first.pc->add_transceiver(MediaKind::video);
  Flow::exchange(first, answering, [&] { Flow::send_back(answering); });
  REQUIRE(call.run_until_connected());
  call.run_pictures(2s);
  StreamWatch watch{call.network()};
  const auto a_before = disturbances(call.a);
  const auto b_before = disturbances(call.b);
  Side& next = next_offer_by_a ? call.a : call.b;
  std::optional<DataChannel> channel;
  int longest_gap = 0;
  std::map<std::string, int> a_shown = call.at_a.shown, b_shown = call.at_b.shown;
  for (int picture = 0, a_gap = 0, b_gap = 0; picture < 60; ++picture) {
    if (picture == 20) {
      if (adds_data) channel = *next.pc->create_data_channel("late");
      Flow::exchange(next, &next == &call.a ? call.b : call.a);
    }
    call.run_pictures(kPicture);
    a_gap = call.at_a.shown == a_shown ? a_gap + 1 : 0;
    b_gap = call.at_b.shown == b_shown ? b_gap + 1 : 0;
    longest_gap = std::max({longest_gap, a_gap, b_gap});
    a_shown = call.at_a.shown;
    b_shown = call.at_b.shown;
  }
  CHECK(longest_gap == 0);
  CHECK(disturbances(call.a) == a_before);
  CHECK(disturbances(call.b) == b_before);
  CHECK(watch.streams() == 2);
  CHECK(watch.jumps() == 0);
  CHECK(call.a.tracks + call.b.tracks == 2);
  if (adds_data) CHECK(channel->state() == DataChannelState::open);
}

}  // namespace

TEST_CASE("a negotiation that changes nothing is not seen in the media", "[peer][rfc3264]") {
  const bool first_by_a = GENERATE(true, false);
  const bool next_by_a = GENERATE(true, false);
  check_undisturbed(first_by_a, next_by_a, false);
}

TEST_CASE("a negotiation that adds data is not seen in the media", "[peer][rfc3264]") {
  const bool first_by_a = GENERATE(true, false);
  const bool next_by_a = GENERATE(true, false);
  check_undisturbed(first_by_a, next_by_a, true);
}
