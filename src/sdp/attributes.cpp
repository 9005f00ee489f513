#include "parley/sdp/attributes.hpp"

#include "sdp/text.hpp"

namespace parley::sdp {

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::inactive:
      return "inactive";
    case Direction::sendonly:
      return "sendonly";
    case Direction::recvonly:
      return "recvonly";
    case Direction::sendrecv:
      break;
  }
  return "sendrecv";
}

std::string_view to_string(Setup setup) {
  switch (setup) {
    case Setup::active:
      return "active";
    case Setup::passive:
      return "passive";
    case Setup::holdconn:
      return "holdconn";
    case Setup::actpass:
      break;
  }
  return "actpass";
}

std::optional<std::string_view> fmtp_value(std::string_view fmtp, std::string_view key) {
  while (!fmtp.empty()) {
    std::string_view value = text::take_until(fmtp, ';');
    const bool has_value = value.find('=') != std::string_view::npos;
    const std::string_view name = text::trim(text::take_until(value, '='));
    if (text::equal_in_any_case(name, key)) {
      return has_value ? text::trim(value) : std::string_view{};
    }
  }
  return std::nullopt;
}

std::optional<int> fmtp_number(std::string_view fmtp, std::string_view key) {
  const auto value = fmtp_value(fmtp, key);
  if (!value) return std::nullopt;
  const auto n = text::number<unsigned>(*value);
  if (!n || *n > 0x7FFF'FFFFU) return std::nullopt;
  return static_cast<int>(*n);
}

}  // namespace parley::sdp
