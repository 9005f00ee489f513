#include "loopback_call/file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

namespace loopback_call {

using parley::Errc;
using parley::Error;
using parley::Result;

Error io_error(const std::filesystem::path& path) {
  return Error{Errc::io, path.string() + ": " + std::generic_category().message(errno)};
}

Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path,
                                            std::uintmax_t limit) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (failure) return Error{Errc::io, path.string() + ": " + failure.message()};
  if (size > limit)
    return Error{Errc::too_large,
                 path.string() + ": larger than " + std::to_string(limit / 1'000'000) + " MB"};
  std::vector<std::uint8_t> bytes(size);
  std::ifstream in(path, std::ios::binary);
  if (!in || !in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size)))
    return io_error(path);
  return bytes;
}

Result<void> write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (!out) return io_error(path);
  return {};
}

}  // namespace loopback_call
