// Which TSNs came: the receiver's half of acknowledgement (RFC 9260 section 6.2 and 6.7).
#pragma once

#include <cstdint>
#include <vector>

#include "parley/base/sequence.hpp"
#include "sctp/sack_chunk.hpp"

namespace parley::sctp {

/// Remembers the TSNs received as one cumulative point and a bounded list of islands above it.
/// TSNs are unwrapped to 64 bits.
class ReceiveTracker {
 public:
  /// Islands that are remembered; what would make one more is not taken.
  static constexpr std::size_t kMaxIslands = 2048;
  /// How far above the cumulative point a TSN may be: what a gap block can say.
  static constexpr std::int64_t kMaxAhead = 65'535;
  static constexpr std::size_t kMaxDuplicates = 16;

  enum class Verdict : std::uint8_t { fresh, duplicate, out_of_window };

  void start(std::uint32_t initial_tsn);
  std::int64_t unwrap(std::uint32_t tsn) const {
    return cumulative_ + serial_diff(tsn, static_cast<std::uint32_t>(cumulative_));
  }
  /// What `note` would say, without remembering.
  Verdict judge(std::int64_t tsn) const;
  Verdict note(std::int64_t tsn);
  /// FORWARD TSN: everything up to `tsn` counts as received. False when that says nothing new.
  bool skip_to(std::int64_t tsn);

  std::int64_t cumulative() const { return cumulative_; }
  /// The highest TSN seen.
  std::int64_t highest() const { return islands_.empty() ? cumulative_ : islands_.back().end; }
  bool has_gaps() const { return !islands_.empty(); }
  bool has_duplicates() const { return !duplicates_.empty(); }

  /// Fills the lists of a SACK that has room for `entries` of both together and tells of nothing
  /// above `highest`, and forgets the duplicates.
  void report(std::size_t entries, std::int64_t highest, std::vector<GapBlock>& gaps,
              std::vector<std::uint32_t>& duplicates);

 private:
  struct Island {
    std::int64_t start;
    std::int64_t end;  // included
  };
  std::vector<Island>::iterator first_ending_at_or_after(std::int64_t tsn);

  std::int64_t cumulative_ = 0;
  std::vector<Island> islands_;  // sorted, apart from one another and from cumulative_
  std::vector<std::uint32_t> duplicates_;
};

}  // namespace parley::sctp
