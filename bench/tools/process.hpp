// What a measuring program asks of the operating system: its own costs, and a pipe to another
// process.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// Processor time of this process so far, user and system, in seconds.
double cpu_seconds();
/// Resident memory of this process, in bytes.
std::size_t resident_bytes();
/// Threads of this process.
int threads();

/// One end of a two-way pipe that carries whole texts. Closes itself.
class Pipe {
 public:
  struct Ends;
  /// Errors end the program: without a pipe there is nothing to measure.
  static Ends make();
  explicit Pipe(int descriptor) : descriptor_(descriptor) {}
  Pipe(Pipe&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Pipe& operator=(Pipe&&) = delete;
  ~Pipe();

  void write(std::string_view text);
  /// Blocks; nullopt when the other end is gone.
  std::optional<std::string> read();

 private:
  int descriptor_;
};
struct Pipe::Ends {
  Pipe first, second;
};

/// Says why on standard error and ends the process with status 1.
[[noreturn]] void give_up(std::string_view program, std::string_view why);

}  // namespace bench
