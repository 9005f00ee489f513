#include "loopback_call/impairment.hpp"

#include <algorithm>

#include "loopback_call/text.hpp"

namespace loopback_call {

using parley::sim::LinkConfig;
using namespace std::chrono_literals;

namespace {
/// A home router's buffer: at the rate limit datagrams wait at most this long.
constexpr parley::Duration kLongestQueue = 300ms;
}  // namespace

LinkConfig link_config(const Impairment& impairment) {
  LinkConfig config;
  config.loss = impairment.loss;
  config.delay = impairment.delay;
  config.jitter = impairment.jitter;
  config.reorder = impairment.reorder;
  // Late enough that the next datagrams of a picture overtake.
  config.reorder_delay = std::max<parley::Duration>(10ms, impairment.jitter);
  config.rate = impairment.rate;
  if (!impairment.rate.is_infinite()) config.queue_delay_limit = kLongestQueue;
  return config;
}

std::string describe(const Impairment& impairment) {
  if (!impairment.any()) return "clean network";
  std::string text;
  const auto add = [&text](bool there, const std::string& what) {
    if (there) text += (text.empty() ? "" : ", ") + what;
  };
  add(impairment.loss > 0, fixed(100 * impairment.loss, 1) + " % loss");
  add(impairment.delay.count() > 0,
      fixed(parley::to_milliseconds(impairment.delay), 0) + " ms delay");
  add(impairment.jitter.count() > 0,
      fixed(parley::to_milliseconds(impairment.jitter), 0) + " ms jitter");
  add(impairment.reorder > 0, fixed(100 * impairment.reorder, 1) + " % reordered");
  add(!impairment.rate.is_infinite(),
      fixed(impairment.rate.kilobits_per_second(), 0) + " kbit/s at most");
  return text + " each way";
}

}  // namespace loopback_call
