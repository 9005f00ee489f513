#include "process.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace bench {

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::size_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

int threads() {
  int count = 0;
  std::error_code ignored;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    ++count;
  }
  return count;
}

Pipe::Ends Pipe::make() {
  int descriptors[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, descriptors) != 0) give_up("bench", "no pipe");
  return {Pipe{descriptors[0]}, Pipe{descriptors[1]}};
}

Pipe::~Pipe() {
  if (descriptor_ >= 0) close(descriptor_);
}

void Pipe::write(std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  std::string framed(reinterpret_cast<const char*>(&size), sizeof size);
  framed += text;
  std::size_t done = 0;
  while (done < framed.size()) {
    const auto wrote = send(descriptor_, framed.data() + done, framed.size() - done, MSG_NOSIGNAL);
    if (wrote <= 0) return;  // the reader is gone, which its own exit status explains
    done += static_cast<std::size_t>(wrote);
  }
}

std::optional<std::string> Pipe::read() {
  const auto fill = [this](char* at, std::size_t size) {
    while (size > 0) {
      const auto got = ::read(descriptor_, at, size);
      if (got <= 0) return false;
      at += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  };
  std::uint32_t size = 0;
  if (!fill(reinterpret_cast<char*>(&size), sizeof size)) return std::nullopt;
  std::string text(size, '\0');
  if (!fill(text.data(), text.size())) return std::nullopt;
  return text;
}

void give_up(std::string_view program, std::string_view why) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(program.size()), program.data(),
               static_cast<int>(why.size()), why.data());
  std::exit(1);
}

}  // namespace bench
