// Names of codecs in one spelling.
#pragma once

#include <cctype>
#include <string>

#include "parley/base/media.hpp"

namespace echo_server {

inline std::string in_capitals(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// In which codec a received frame or packet is, in capitals: "VP8", "OPUS".
template <class Encoded>
std::string codec_of(const Encoded& encoded) {
  return encoded.codec ? in_capitals(encoded.codec->name) : std::string{};
}

}  // namespace echo_server
