// The few things that all readers and writers of files share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "parley/base/result.hpp"

namespace loopback_call {

/// What the operating system said last (errno), with the path in front.
parley::Error io_error(const std::filesystem::path& path);

/// The whole file. Errors: io, too_large above `limit` bytes.
parley::Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path,
                                                    std::uintmax_t limit);

/// Writes or replaces the whole file. Errors: io.
parley::Result<void> write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace loopback_call
