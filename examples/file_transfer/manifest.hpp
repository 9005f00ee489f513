// What is transferred: files by their path below the folder that is sent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "parley/base/result.hpp"

namespace file_transfer {

/// A file by its name for both ends.
struct FileEntry {
  std::string path;  ///< relative, '/' between its parts, UTF-8
  std::uint64_t size = 0;

  friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

/// More than these are no transfer but a mistake, or an attack on the receiver's memory.
inline constexpr std::size_t kMostFiles = 100'000;
inline constexpr std::size_t kLongestPath = 1024;  ///< bytes

/// `root` itself when it is a file, or all files below it, in the order of their paths. Symbolic
/// links are followed to files and not to folders. Errors: not_found, io, too_large.
parley::Result<std::vector<FileEntry>> list_files(const std::filesystem::path& root);

/// Where a file of that name lies on the sending side.
std::filesystem::path source_of(const std::filesystem::path& root, const FileEntry& entry);

/// Where it goes below `folder`. A peer may name any path: absolute ones, ones with "..", empty
/// parts, backslashes or control characters are refused. Errors: invalid_argument.
parley::Result<std::filesystem::path> target_of(const std::filesystem::path& folder,
                                                std::string_view path);

}  // namespace file_transfer
