#include "ice/check_list.hpp"

#include <algorithm>

namespace parley::ice {

SentRequest* Pair::active() {
  for (SentRequest& r : requests) {
    if (!r.is_final) return &r;
  }
  return nullptr;
}

void Pair::cancel_active(Timestamp expires) {
  if (SentRequest* r = active()) {
    r->is_final = true;
    r->expires = expires;
  }
}

void Pair::forget_oldest_request() {
  const auto oldest = std::find_if(requests.begin(), requests.end(),
                                   [](const SentRequest& r) { return r.is_final; });
  if (oldest != requests.end()) requests.erase(oldest);
}

Pair* CheckList::find(std::uint32_t id) {
  const auto it =
      std::find_if(pairs_.begin(), pairs_.end(), [id](const Pair& p) { return p.id == id; });
  return it == pairs_.end() ? nullptr : &*it;
}

Pair* CheckList::find(const Path& path) {
  const auto it =
      std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& p) { return p.path == path; });
  return it == pairs_.end() ? nullptr : &*it;
}

Pair* CheckList::add(Pair pair, std::uint32_t protect) {
  if (pairs_.size() >= limit_) {
    const auto is_worse = [](const Pair& a, const Pair& b) {
      // Failed pairs go first, whatever their priority.
      const bool a_failed = a.state == PairState::failed;
      const bool b_failed = b.state == PairState::failed;
      return a_failed != b_failed ? a_failed : a.priority < b.priority;
    };
    auto worst = pairs_.end();
    for (auto it = pairs_.begin(); it != pairs_.end(); ++it) {
      const bool can_go =
          it->id != protect && !it->is_valid() && it->state != PairState::in_progress;
      if (can_go && (worst == pairs_.end() || is_worse(*it, *worst))) worst = it;
    }
    ++dropped_;
    if (worst == pairs_.end() || is_worse(pair, *worst)) return nullptr;
    untrigger(*worst);
    pairs_.erase(worst);
  }
  pair.id = next_id_++;
  pair.state = is_being_worked_on(pair.foundation) ? PairState::frozen : PairState::waiting;
  pairs_.push_back(std::move(pair));
  return &pairs_.back();
}

bool CheckList::is_triggered(const Pair& pair) const {
  return std::find(triggered_.begin(), triggered_.end(), pair.id) != triggered_.end();
}

void CheckList::trigger(Pair& pair) {
  if (!is_triggered(pair)) triggered_.push_back(pair.id);
}

void CheckList::untrigger(const Pair& pair) {
  triggered_.erase(std::remove(triggered_.begin(), triggered_.end(), pair.id), triggered_.end());
}

Pair* CheckList::take_next(bool ordinary) {
  const auto best_of = [this](auto is_wanted) {
    Pair* best = nullptr;
    for (Pair& p : pairs_) {
      if (is_wanted(p) && (best == nullptr || p.priority > best->priority)) best = &p;
    }
    return best;
  };
  if (!triggered_.empty()) {
    // Not the first that came, as RFC 8445 section 6.1.4.2 has it: Pion checks all pairs in one
    // burst, those of loopback first, and the best would wait one Ta for each of the others.
    Pair* const best = best_of([this](const Pair& p) { return is_triggered(p); });
    untrigger(*best);
    return best;
  }
  if (!ordinary) return nullptr;
  Pair* best = best_of([](const Pair& p) { return p.state == PairState::waiting; });
  if (best == nullptr) best = best_of([this](const Pair& p) { return can_thaw(p); });
  return best;
}

bool CheckList::has_next(bool ordinary) const {
  if (!triggered_.empty()) return true;
  return ordinary && std::any_of(pairs_.begin(), pairs_.end(), [this](const Pair& p) {
           return p.state == PairState::waiting || can_thaw(p);
         });
}

void CheckList::thaw(const std::string& foundation) {
  for (Pair& p : pairs_) {
    if (p.state == PairState::frozen && p.foundation == foundation) p.state = PairState::waiting;
  }
}

std::size_t CheckList::waiting_or_in_progress() const {
  return static_cast<std::size_t>(std::count_if(pairs_.begin(), pairs_.end(), [](const Pair& p) {
    return p.state == PairState::waiting || p.state == PairState::in_progress;
  }));
}

bool CheckList::has_open() const {
  return !triggered_.empty() ||
         std::any_of(pairs_.begin(), pairs_.end(), [](const Pair& p) { return p.is_open(); });
}

bool CheckList::is_being_worked_on(const std::string& foundation) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [&](const Pair& p) {
    return p.foundation == foundation &&
           (p.state == PairState::waiting || p.state == PairState::in_progress);
  });
}

}  // namespace parley::ice
