// Connections that end in the middle of things: inside their own handlers, with jobs on the
// workers, with datagrams and timers under way.
#include <memory>

#include "facade/end.hpp"
#include "io/io_support.hpp"
#include "support/catch.hpp"

using namespace parley;
using parley::test::End;
using parley::test::kLoopback4;
using parley::test::link_ends;
using parley::test::Media;
using parley::test::run_until;

namespace {

struct Scene {
  explicit Scene(Media media)
      : a(End::create(driver, media, kLoopback4)), b(End::create(driver, media, kLoopback4)) {
    link_ends(driver, a, driver, b);
  }
  bool run(const std::function<bool()>& done) { return run_until(context, done); }
  bool a_heard_of_the_end() const { return a->pc->connection_state() == ConnectionState::closed; }

  asio::io_context context{1};
  io::UdpDriver driver{context};
  std::shared_ptr<End> a, b;
};

}  // namespace

TEST_CASE("a connection may be closed inside its state handler", "[facade]") {
  Scene scene{Media::encoded};
  int after_close = 0;
  scene.b->on_progress = [&](End& end) {
    if (end.pc->connection_state() == ConnectionState::closed) ++after_close;
    if (end.connected()) end.pc->close();
  };
  scene.a->call();
  REQUIRE(scene.run([&] { return scene.a_heard_of_the_end(); }));
  CHECK(after_close == 0);
  CHECK(scene.b->states.back() == ConnectionState::connected);  // no handler runs after close()
}

TEST_CASE("a connection may be destroyed inside its picture handler", "[facade]") {
  const auto media = GENERATE(Media::raw, Media::encoded);
  Scene scene{media};
  scene.b->on_progress = [](End& end) {
    if (end.pictures == 5) end.pc.reset();
  };
  scene.a->call();
  REQUIRE(scene.run([&] { return scene.a_heard_of_the_end(); }));
  CHECK(scene.b->pictures == 5);
  CHECK(scene.b->pc == nullptr);
}

TEST_CASE("a connection may be destroyed inside a handler of the other one", "[facade]") {
  Scene scene{Media::raw};
  scene.b->on_progress = [&](End& end) {
    if (end.pictures == 5) scene.a.reset();
  };
  scene.a->call();
  REQUIRE(scene.run([&] { return scene.b->pc->connection_state() == ConnectionState::closed; }));
  CHECK(scene.b->pictures >= 5);
}

TEST_CASE("a connection may be replaced by a new call inside a handler", "[facade]") {
  Scene scene{Media::encoded};
  std::shared_ptr<End> c, d;
  scene.b->on_progress = [&](End& end) {
    if (end.pictures != 3 || c) return;
    c = End::create(scene.driver, Media::encoded, kLoopback4);
    d = End::create(scene.driver, Media::encoded, kLoopback4);
    link_ends(scene.driver, c, scene.driver, d);
    c->call();
    scene.a.reset();
    end.pc.reset();
  };
  scene.a->call();
  REQUIRE(scene.run([&] { return d && c->received(5) && d->received(5); }));
  CHECK(c->problem.empty());
  CHECK(d->problem.empty());
}

TEST_CASE("connections go while pictures are being coded", "[facade]") {
  // The ends go right after a picture was given to the workers: the jobs must find nothing of them.
  for (int round = 0; round < 5; ++round) {
    Scene scene{Media::raw};
    scene.a->call();
    REQUIRE(scene.run([&] { return scene.a->pictures > round && scene.b->pictures > round; }));
    scene.a.reset();
    scene.b.reset();
  }
}

TEST_CASE("a driver goes after connections that never finished connecting", "[facade]") {
  for (int turns = 0; turns < 60; turns += 3) {
    Scene scene{Media::encoded};
    scene.a->call();
    int left = turns;
    REQUIRE(scene.run([&] { return left-- == 0; }));
  }
}
