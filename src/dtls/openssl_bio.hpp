// Datagrams in and out of OpenSSL without a socket.
#pragma once

#include <sys/time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "dtls/datagram_queue.hpp"
#include "dtls/openssl_handles.hpp"
#include "dtls/record_layer.hpp"
#include "parley/base/bytes.hpp"

namespace parley::dtls::openssl {

/// The two ends of one SSL: a datagram that waits to be read, and a bounded queue of those written.
/// Lives longer than the SSL that uses it. One sequence of execution.
class DatagramBio {
 public:
  explicit DatagramBio(std::size_t max_datagram_size) : max_size_(max_datagram_size) {}
  DatagramBio(const DatagramBio&) = delete;
  DatagramBio& operator=(const DatagramBio&) = delete;

  /// A BIO that reads and writes here. Null when memory is exhausted.
  BioPtr make_bio();

  /// The next read returns `datagram`, which is borrowed until `clear_input`.
  void set_input(Bytes datagram) { input_ = datagram; }
  void clear_input() { input_ = {}; }

  /// From here on handshake records share datagrams with each other but not with earlier ones.
  void begin_flight() {
    mergeable_ = false;
    flight_begin_ = output_.size();
  }
  /// The datagrams since then, none of which may have been popped.
  std::vector<std::vector<std::uint8_t>> flight() const {
    return output_.copy_after(flight_begin_);
  }
  /// The last record that was protected; nullopt before there was one.
  const std::optional<WrittenRecord>& last_protected() const { return last_protected_; }
  /// Counts the calls of the library that wrote something.
  std::uint64_t writes() const { return writes_; }
  std::optional<Bytes> pop(MutableBytes storage);
  /// Queues a record of epoch 0 that is not the library's, which must write no more.
  void append_unprotected(ContentType type, Bytes content);
  /// What was not popped; nothing is written after it.
  DatagramQueue take_output() { return std::move(output_); }

  /// Makes the library believe that its retransmission timer has run out. False when it cannot be
  /// told: then its own clock decides (see docs/dtls.md).
  bool expire_library_timer();
  /// True when this version of the library lets itself be told.
  static bool library_timer_is_ours();

 private:
  friend struct BioCallbacks;
  bool read(char* out, int size, std::size_t& length);
  void write(Bytes records);
  void note_written(Bytes records);
  long control(int command, void* argument);

  const std::size_t max_size_;
  Bytes input_;
  DatagramQueue output_;
  std::size_t flight_begin_ = 0;
  bool mergeable_ = false;
  std::uint64_t next_unprotected_ = 0;
  std::optional<WrittenRecord> last_protected_;
  std::uint64_t writes_ = 0;
  timeval* library_deadline_ = nullptr;
};

}  // namespace parley::dtls::openssl
