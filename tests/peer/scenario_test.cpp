// Calls over bad networks, as data: conditions in, numbers out.
#include "peer/call_scene.hpp"

using namespace parley;
using parley::test::CallScene;
using parley::test::Side;

namespace {

/// What a bad network may cost.
struct Limits {
  double min_shown;      ///< share of sent pictures that must be shown
  double max_concealed;  ///< share of played samples that were invented
};

// Twenty seconds of sound and pictures both ways, of which no picture may be damaged.
void check_call_over(const sim::LinkConfig& link, const Limits& limits) {
  CallScene call{{.seed = 11, .link = link}};
  call.start();
  REQUIRE(call.run_until_connected(30s));
  call.run_media(20s);
  for (const Side* side : {&call.a, &call.b}) {
    const Side& other = side == &call.a ? call.b : call.a;
    const double shown = static_cast<double>(side->frames_shown) / other.frames_sent;
    const auto report = side->pc->get_stats();
    const auto* audio = report.first("inbound-rtp", "audio");
    REQUIRE(audio != nullptr);
    const double share = audio->number("concealedSamples").value_or(1e9) /
                         audio->number("totalSamplesReceived").value_or(1);
    INFO("FEC " << audio->number("fecPacketsReceived").value_or(0) << " of which unused "
                << audio->number("fecPacketsDiscarded").value_or(0) << ", lost "
                << audio->number("packetsLost").value_or(0) << ", late "
                << audio->number("packetsDiscarded").value_or(0) << ", events "
                << audio->number("concealmentEvents").value_or(0));
    INFO("shown " << shown << ", concealed " << share);
    CHECK(shown >= limits.min_shown);
    CHECK(share <= limits.max_concealed);
    CHECK_FALSE(side->out_of_order);
    CHECK(side->worst_psnr > 25);
  }
}

}  // namespace

// A picture lost for good costs those up to the next key frame, so shares of shown pictures fall
// faster than loss rises.

TEST_CASE("a call holds over 1 percent loss", "[peer]") {
  check_call_over({.delay = 20ms, .loss = 0.01}, {.min_shown = 0.99, .max_concealed = 0.02});
}

TEST_CASE("a call holds over 5 percent loss with 40 ms delay and 20 ms jitter", "[peer]") {
  check_call_over({.delay = 40ms, .jitter = 20ms, .loss = 0.05},
                  {.min_shown = 0.97, .max_concealed = 0.03});
}

TEST_CASE("a call holds over 10 percent loss", "[peer]") {
  check_call_over({.delay = 20ms, .loss = 0.10}, {.min_shown = 0.95, .max_concealed = 0.06});
}

TEST_CASE("a call holds over 20 percent loss", "[peer]") {
  check_call_over({.delay = 20ms, .loss = 0.20}, {.min_shown = 0.80, .max_concealed = 0.15});
}

TEST_CASE("a call holds over 30 percent loss", "[peer]") {
  check_call_over({.delay = 20ms, .loss = 0.30}, {.min_shown = 0.50, .max_concealed = 0.30});
}

TEST_CASE("a call holds over bursts of three at 5 percent", "[peer]") {
  check_call_over({.delay = 20ms, .burst_loss = {.probability = 0.05, .mean_length = 3}},
                  {.min_shown = 0.95, .max_concealed = 0.08});
}

TEST_CASE("a call holds over jitter of 50 ms", "[peer]") {
  check_call_over({.delay = 20ms, .jitter = 50ms}, {.min_shown = 0.99, .max_concealed = 0.03});
}

TEST_CASE("a call holds over reordering of 10 percent by 30 ms", "[peer]") {
  check_call_over({.delay = 20ms, .reorder = 0.10, .reorder_delay = 30ms},
                  {.min_shown = 0.99, .max_concealed = 0.03});
}

TEST_CASE("a call holds over duplication of 20 percent", "[peer]") {
  check_call_over({.delay = 20ms, .duplicate = 0.20}, {.min_shown = 0.99, .max_concealed = 0.01});
}

TEST_CASE("a call holds over corruption of 1 percent", "[peer]") {
  check_call_over({.delay = 20ms, .corrupt = 0.01}, {.min_shown = 0.98, .max_concealed = 0.03});
}

TEST_CASE("a call survives an outage of two seconds and recovers within one", "[peer]") {
  CallScene call{{.link = {.delay = 20ms}}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.run_media(3s);
  const Timestamp from = call.now();
  call.set_link({.delay = 20ms, .outages = {{from, from + 2s}}});
  call.run_media(2s);
  const int before = call.b.frames_shown;
  call.run_media(1s);
  CHECK(call.b.frames_shown > before);
  const int recovered = call.b.frames_shown;
  call.run_media(2s);
  CHECK(call.b.frames_shown - recovered >= 55);
  CHECK(call.a.pc->connection_state() == ConnectionState::connected);
  CHECK(call.b.worst_psnr > 25);
}

TEST_CASE("a path that stays silent is noticed and the connection fails", "[peer]") {
  CallScene call{{.link = {.delay = 20ms}}};
  call.start();
  REQUIRE(call.run_until_connected());
  call.set_link({.loss = 1.0});
  call.run_for(15s);
  CHECK(call.a.pc->connection_state() == ConnectionState::disconnected);
  call.run_for(40s);
  CHECK(call.a.pc->connection_state() == ConnectionState::failed);
  CHECK(call.a.pc->failure_reason().find("consent") != std::string::npos);
}
