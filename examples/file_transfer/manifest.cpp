#include "file_transfer/manifest.hpp"

#include <algorithm>

namespace file_transfer {

namespace fs = std::filesystem;
using parley::Errc;
using parley::Error;
using parley::Result;

Result<std::vector<FileEntry>> list_files(const fs::path& root) {
  std::error_code failure;
  const auto status = fs::status(root, failure);
  if (!fs::exists(status)) return Error{Errc::not_found, root.string()};
  std::vector<FileEntry> files;
  if (fs::is_regular_file(status)) {
    const auto size = fs::file_size(root, failure);
    if (failure) return Error{Errc::io, root.string() + ": " + failure.message()};
    files.push_back({fs::absolute(root).filename().generic_string(), size});
    return files;
  }
  if (!fs::is_directory(status)) return Error{Errc::io, root.string() + ": no file and no folder"};
  for (auto at = fs::recursive_directory_iterator(root, failure);
       !failure && at != fs::recursive_directory_iterator{}; at.increment(failure)) {
    if (!at->is_regular_file(failure)) continue;
    const auto size = at->file_size(failure);
    if (failure) break;
    files.push_back({at->path().lexically_relative(root).generic_string(), size});
    if (files.size() > kMostFiles) return Error{Errc::too_large, "more than 100000 files"};
  }
  if (failure) return Error{Errc::io, root.string() + ": " + failure.message()};
  std::sort(files.begin(), files.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  return files;
}

fs::path source_of(const fs::path& root, const FileEntry& entry) {
  return fs::is_directory(root) ? root / fs::path(entry.path) : root;
}

Result<fs::path> target_of(const fs::path& folder, std::string_view path) {
  const auto refused = [&] {
    return Error{Errc::invalid_argument, "the name of a file: '" + std::string(path) + "'"};
  };
  if (path.empty() || path.size() > kLongestPath) return refused();
  const bool odd = std::any_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\';
  });
  if (odd) return refused();
  fs::path target = folder;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, slash - at);
    if (part.empty() || part == "." || part == "..") return refused();
    target /= fs::path(part);
    at = slash + 1;
  }
  return target;
}

}  // namespace file_transfer
