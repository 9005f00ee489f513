#include "ice/check_list.hpp"

#include "support/catch.hpp"

using namespace parley;
using namespace parley::ice;

namespace {

Pair pair_of(std::uint16_t port, std::uint64_t priority, std::string foundation) {
  Pair p;
  p.path = Path{{IpAddress::v4(192, 0, 2, 1), 1}, {IpAddress::v4(192, 0, 2, 2), port}};
  p.priority = priority;
  p.foundation = std::move(foundation);
  return p;
}

}  // namespace

TEST_CASE("of each foundation one pair waits and the others are frozen", "[ice][rfc8445]") {
  CheckList list{100};
  Pair* const a = list.add(pair_of(1, 10, "x"), 0);
  Pair* const b = list.add(pair_of(2, 20, "x"), 0);
  Pair* const c = list.add(pair_of(3, 5, "y"), 0);
  CHECK(a->state == PairState::waiting);
  CHECK(b->state == PairState::frozen);
  CHECK(c->state == PairState::waiting);
  CHECK(list.take_next(true) == a);
  a->state = PairState::in_progress;
  CHECK(list.take_next(true) == c);  // b is frozen while a is under way
  c->state = PairState::in_progress;
  CHECK_FALSE(list.has_next(true));
  a->state = PairState::failed;  // a failure thaws nothing, but nobody works on x any more
  CHECK(list.has_next(true));
  CHECK(list.take_next(true) == b);
}

TEST_CASE("a success thaws its foundation", "[ice][rfc8445]") {
  CheckList list{100};
  list.add(pair_of(1, 10, "x"), 0);
  Pair* const b = list.add(pair_of(2, 20, "x"), 0);
  Pair* const c = list.add(pair_of(3, 20, "y"), 0);
  c->state = PairState::frozen;
  list.thaw("x");
  CHECK(b->state == PairState::waiting);
  CHECK(c->state == PairState::frozen);
}

TEST_CASE("triggered checks come first and the best of them before the others", "[ice][rfc8445]") {
  CheckList list{100};
  Pair* const a = list.add(pair_of(1, 10, "x"), 0);
  Pair* const b = list.add(pair_of(2, 20, "y"), 0);
  list.add(pair_of(3, 30, "z"), 0);
  list.trigger(*a);
  list.trigger(*b);
  list.trigger(*a);  // once is enough
  CHECK(list.has_next(false));
  CHECK(list.take_next(false) == b);
  CHECK(list.take_next(false) == a);
  CHECK_FALSE(list.has_next(false));
  CHECK(list.take_next(false) == nullptr);
}

TEST_CASE("a full list gives up its worst pair for a better one", "[ice][rfc8445]") {
  CheckList list{3};
  list.add(pair_of(1, 10, "a"), 0);
  list.add(pair_of(2, 20, "b"), 0);
  list.add(pair_of(3, 30, "c"), 0);
  CHECK(list.add(pair_of(4, 5, "d"), 0) == nullptr);
  CHECK(list.dropped() == 1);
  CHECK(list.add(pair_of(5, 15, "e"), 0) != nullptr);
  CHECK(list.dropped() == 2);
  CHECK(list.find(pair_of(1, 0, "").path) == nullptr);
  CHECK(list.pairs().size() == 3);
}

TEST_CASE("valid pairs and pairs under way are never given up and failed ones first",
          "[ice][rfc8445]") {
  CheckList list{3};
  Pair* const valid = list.add(pair_of(1, 1, "a"), 0);
  Pair* const busy = list.add(pair_of(2, 2, "b"), 0);
  Pair* const failed = list.add(pair_of(3, 99, "c"), 0);
  valid->state = PairState::succeeded;
  busy->state = PairState::in_progress;
  failed->state = PairState::failed;
  const auto failed_id = failed->id;
  Pair* const added = list.add(pair_of(4, 50, "d"), 0);
  REQUIRE(added != nullptr);
  CHECK(list.find(failed_id) == nullptr);
  CHECK(list.add(pair_of(5, 60, "e"), added->id) == nullptr);  // protected
  CHECK(list.find(valid->id) == valid);
}

TEST_CASE("a pair that is given up leaves the triggered queue", "[ice]") {
  CheckList list{1};
  list.trigger(*list.add(pair_of(1, 1, "a"), 0));
  Pair* const b = list.add(pair_of(2, 2, "b"), 0);
  REQUIRE(b != nullptr);
  CHECK_FALSE(list.has_next(false));
}
