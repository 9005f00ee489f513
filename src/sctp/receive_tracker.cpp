#include "sctp/receive_tracker.hpp"

#include <algorithm>

namespace parley::sctp {

void ReceiveTracker::start(std::uint32_t initial_tsn) {
  // One turn up, so that older TSNs are positive too.
  cumulative_ = (std::int64_t{1} << 32) + std::int64_t{initial_tsn} - 1;
  islands_.clear();
  duplicates_.clear();
}

std::vector<ReceiveTracker::Island>::iterator ReceiveTracker::first_ending_at_or_after(
    std::int64_t tsn) {
  return std::lower_bound(islands_.begin(), islands_.end(), tsn,
                          [](const Island& i, std::int64_t t) { return i.end < t; });
}

ReceiveTracker::Verdict ReceiveTracker::judge(std::int64_t tsn) const {
  if (tsn <= cumulative_) return Verdict::duplicate;
  if (tsn > cumulative_ + kMaxAhead) return Verdict::out_of_window;
  if (tsn == cumulative_ + 1) return Verdict::fresh;
  const auto at = std::lower_bound(islands_.begin(), islands_.end(), tsn,
                                   [](const Island& i, std::int64_t t) { return i.end < t; });
  if (at != islands_.end() && at->start <= tsn) return Verdict::duplicate;
  const bool joins_next = at != islands_.end() && at->start == tsn + 1;
  const bool joins_previous = at != islands_.begin() && (at - 1)->end == tsn - 1;
  if (!joins_next && !joins_previous && islands_.size() >= kMaxIslands) {
    return Verdict::out_of_window;
  }
  return Verdict::fresh;
}

ReceiveTracker::Verdict ReceiveTracker::note(std::int64_t tsn) {
  if (tsn == cumulative_ + 1 && islands_.empty()) {
    cumulative_ = tsn;
    return Verdict::fresh;
  }
  const Verdict verdict = judge(tsn);
  if (verdict == Verdict::duplicate && duplicates_.size() < kMaxDuplicates) {
    duplicates_.push_back(static_cast<std::uint32_t>(tsn));
  }
  if (verdict != Verdict::fresh) return verdict;
  if (tsn == cumulative_ + 1) {
    cumulative_ = tsn;
    if (islands_.front().start == tsn + 1) {
      cumulative_ = islands_.front().end;
      islands_.erase(islands_.begin());
    }
    return verdict;
  }
  const auto next = first_ending_at_or_after(tsn);
  const bool joins_next = next != islands_.end() && next->start == tsn + 1;
  const bool joins_previous = next != islands_.begin() && (next - 1)->end == tsn - 1;
  if (joins_next && joins_previous) {
    (next - 1)->end = next->end;
    islands_.erase(next);
  } else if (joins_next) {
    next->start = tsn;
  } else if (joins_previous) {
    (next - 1)->end = tsn;
  } else {
    islands_.insert(next, Island{tsn, tsn});
  }
  return verdict;
}

bool ReceiveTracker::skip_to(std::int64_t tsn) {
  if (tsn <= cumulative_) return false;
  cumulative_ = tsn;
  auto at = first_ending_at_or_after(tsn + 1);
  if (at != islands_.end() && at->start <= tsn + 1) {
    cumulative_ = at->end;
    ++at;
  }
  islands_.erase(islands_.begin(), at);
  return true;
}

void ReceiveTracker::report(std::size_t entries, std::int64_t highest, std::vector<GapBlock>& gaps,
                            std::vector<std::uint32_t>& duplicates) {
  gaps.clear();
  const std::int64_t end = std::min(highest, cumulative_ + kMaxAhead);
  for (const Island& island : islands_) {
    if (gaps.size() >= entries || island.start > end) break;
    gaps.push_back({static_cast<std::uint16_t>(island.start - cumulative_),
                    static_cast<std::uint16_t>(std::min(island.end, end) - cumulative_)});
  }
  duplicates.assign(duplicates_.begin(), duplicates_.end());
  duplicates.resize(std::min(duplicates.size(), entries - gaps.size()));
  duplicates_.clear();
}

}  // namespace parley::sctp
