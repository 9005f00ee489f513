#include "parley/base/result.hpp"

namespace parley {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::invalid_state:
      return "invalid_state";
    case Errc::syntax:
      return "syntax";
    case Errc::unsupported:
      return "unsupported";
    case Errc::incompatible:
      return "incompatible";
    case Errc::not_found:
      return "not_found";
    case Errc::too_large:
      return "too_large";
    case Errc::queue_full:
      return "queue_full";
    case Errc::closed:
      return "closed";
    case Errc::crypto:
      return "crypto";
    case Errc::io:
      return "io";
    case Errc::timed_out:
      return "timed_out";
    case Errc::malformed:
      return "malformed";
  }
  return "unknown";
}

std::string Error::to_string() const {
  std::string text{parley::to_string(code)};
  if (!where.empty()) text += ": " + where;
  return text;
}

}  // namespace parley
