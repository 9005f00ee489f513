// Sets of TSNs, unwrapped to 64 bits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace parley::sctp {

/// Consecutive TSNs, both ends included.
struct TsnRun {
  std::int64_t start = 0;
  std::int64_t end = -1;
};

/// Calls `f` for every TSN that is in `a` and not in `b`, from low to high. Both are in order and
/// their runs do not overlap.
template <class F>
void for_each_only_in_first(const std::vector<TsnRun>& a, const std::vector<TsnRun>& b, F f) {
  auto other = b.begin();
  for (const TsnRun& run : a) {
    for (std::int64_t tsn = run.start; tsn <= run.end;) {
      while (other != b.end() && other->end < tsn) ++other;
      if (other != b.end() && other->start <= tsn) {
        tsn = other->end + 1;
        continue;
      }
      const std::int64_t stop = other == b.end() ? run.end : std::min(run.end, other->start - 1);
      for (; tsn <= stop; ++tsn) f(tsn);
    }
  }
}

/// Takes everything up to `tsn` out.
inline void remove_up_to(std::vector<TsnRun>& runs, std::int64_t tsn) {
  const auto keep =
      std::find_if(runs.begin(), runs.end(), [tsn](const TsnRun& run) { return run.end > tsn; });
  runs.erase(runs.begin(), keep);
  if (!runs.empty()) runs.front().start = std::max(runs.front().start, tsn + 1);
}

/// TSNs in order, each once. Cheap at both ends, where nearly everything happens.
class TsnList {
 public:
  bool empty() const { return head_ == tsns_.size(); }
  std::size_t capacity() const { return tsns_.capacity(); }
  std::int64_t front() const { return tsns_[head_]; }
  void pop_front() {
    if (++head_ < tsns_.size()) return;
    tsns_.clear();
    head_ = 0;
  }
  void insert(std::int64_t tsn) {
    if (head_ > 0 && tsns_.size() == tsns_.capacity()) {
      tsns_.erase(tsns_.begin(), first());
      head_ = 0;
    }
    const auto at = std::lower_bound(first(), tsns_.end(), tsn);
    if (at == tsns_.end() || *at != tsn) tsns_.insert(at, tsn);
  }
  void clear() {
    tsns_.clear();
    head_ = 0;
  }

 private:
  std::vector<std::int64_t>::iterator first() {
    return tsns_.begin() + static_cast<std::ptrdiff_t>(head_);
  }
  std::vector<std::int64_t> tsns_;
  std::size_t head_ = 0;
};

}  // namespace parley::sctp
