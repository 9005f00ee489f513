// In which codec a frame is.
#pragma once

#include <string>

#include "parley/base/media.hpp"

namespace echo_server {

/// "VP8"
inline std::string codec_of(const parley::EncodedVideo&) { return "VP8"; }

}  // namespace echo_server
