// Calls between two runtimes: two threads with a driver each, and the workers of both.
#include <chrono>
#include <future>
#include <memory>

#include "facade/end.hpp"
#include "io/io_support.hpp"
#include "parley/io/runtime.hpp"
#include "support/catch.hpp"

using namespace parley;
using parley::test::End;
using parley::test::kLoopback4;
using parley::test::link_ends;
using parley::test::Media;

namespace {

/// A promise that may be kept more than once, on the end's own thread.
class Signal {
 public:
  void set() {
    if (!std::exchange(set_, true)) promise_.set_value();
  }
  /// A guard against hanging, far above what any test needs.
  bool wait() {
    return promise_.get_future().wait_for(std::chrono::seconds{60}) == std::future_status::ready;
  }

 private:
  bool set_ = false;
  std::promise<void> promise_;
};

/// One runtime with one end.
struct Station {
  explicit Station(Media media)
      : end(runtime.run_sync([&] { return End::create(runtime.driver(), media, kLoopback4); })) {}
  ~Station() {
    runtime.run_sync([&] { end.reset(); });
  }
  void when(std::function<bool(const End&)> holds, Signal& signal) {
    runtime.run_sync([&] {
      end->on_progress = [holds = std::move(holds), &signal](End& e) {
        if (holds(e)) signal.set();
      };
    });
  }
  std::string problem() {
    return runtime.run_sync([&] { return end->problem; });
  }

  io::Runtime runtime;
  std::shared_ptr<End> end;
};

void link_stations(Station& a, Station& b) {
  // Each end is touched on its own thread only.
  a.runtime.run_sync([&] { a.end->set_peer(b.runtime.driver(), b.end); });
  b.runtime.run_sync([&] { b.end->set_peer(a.runtime.driver(), a.end); });
}

/// Both ends let go before either runtime does, because they post to each other.
void release(Station& a, Station& b) {
  for (Station* station : {&a, &b}) {
    station->runtime.run_sync([&] { station->end.reset(); });
  }
}

}  // namespace

TEST_CASE("a call between two threads shows pictures and plays sound at both ends", "[facade]") {
  Station a{Media::raw}, b{Media::raw};
  link_stations(a, b);
  Signal a_done, b_done;
  a.when([](const End& end) { return end.received(20); }, a_done);
  b.when([](const End& end) { return end.received(20); }, b_done);
  a.runtime.post([&] { a.end->call(); });
  CHECK(a_done.wait());
  CHECK(b_done.wait());
  CHECK(a.problem().empty());
  CHECK(b.problem().empty());
  CHECK(a.runtime.run_sync([&] { return a.end->worst_psnr; }) > 28);
  CHECK(b.runtime.run_sync([&] { return b.end->worst_psnr; }) > 28);
  release(a, b);
}

TEST_CASE("a runtime is stopped under a live call and the other end hears of it", "[facade]") {
  Station a{Media::raw}, b{Media::raw};
  link_stations(a, b);
  Signal b_flows, b_closed;
  b.when(
      [&](const End& end) {
        if (end.received(5)) b_flows.set();
        return end.pc->connection_state() == ConnectionState::closed;
      },
      b_closed);
  a.runtime.post([&] { a.end->call(); });
  REQUIRE(b_flows.wait());
  a.runtime.stop();  // its thread is gone: this one may touch what it carried
  a.end.reset();     // says good-bye on the sockets that are still open
  CHECK(b_closed.wait());
  release(a, b);
}

TEST_CASE("statistics are read on the thread of the call while it runs", "[facade]") {
  Station a{Media::encoded}, b{Media::encoded};
  link_stations(a, b);
  Signal done;
  b.when([](const End& end) { return end.received(10); }, done);
  a.runtime.post([&] { a.end->call(); });
  REQUIRE(done.wait());
  const StatsReport report = b.runtime.run_sync([&] { return b.end->pc->get_stats(); });
  CHECK_FALSE(report.objects.empty());
  release(a, b);
}
