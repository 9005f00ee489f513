// Any text as a candidate line: what is read is printed and read again as the same.
#include <cstdlib>

#include "parley/ice/candidate.hpp"

using namespace parley;
using namespace parley::ice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(Bytes{data, size});
  is_end_of_candidates(text);
  const auto candidate = Candidate::parse(text);
  if (!candidate) return 0;
  const std::string printed = candidate->to_string();
  if (printed.size() > kMaxCandidateLine) return 0;  // the names of known pairs were added
  const auto again = Candidate::parse(printed);
  if (!again || again->to_string() != printed) std::abort();
  return 0;
}
