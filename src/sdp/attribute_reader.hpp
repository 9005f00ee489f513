// Reads the value of one `a=` line into the model.
#pragma once

#include <string_view>

#include "parley/sdp/description.hpp"

namespace parley::sdp {

enum class Outcome {
  taken,    ///< it is in the model
  unknown,  ///< not ours, or a form we do not know: the caller keeps the text
  broken,   ///< ours, and ignoring it would negotiate something else than was meant
};

/// What stands after "a=", cut at the first colon.
struct AttributeText {
  std::string_view name;
  std::string_view value;  ///< trimmed
  bool has_value = false;  ///< there was a colon

  static AttributeText parse(std::string_view after_equals);
};

Outcome read_session_attribute(Description& description, AttributeText attribute);
Outcome read_media_attribute(Media& media, AttributeText attribute);

}  // namespace parley::sdp
