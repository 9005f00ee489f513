// Pictures for the report: I420 to PNG.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "parley/base/media.hpp"

namespace loopback_call {

/// The picture as a PNG file (RGB, ITU-R BT.601 limited range, as the codec's content is taken).
/// Empty when libpng fails.
std::vector<std::uint8_t> encode_png(const parley::I420Buffer& picture);

/// "data:image/png;base64,...", shrunk by a whole factor when it is wider than `most_wide`.
std::string png_data_uri(const parley::I420Buffer& picture, int most_wide = 640);

}  // namespace loopback_call
