// Datagrams in and out of OpenSSL without a socket.
#pragma once

#include <sys/time.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "dtls/openssl_handles.hpp"
#include "parley/base/bytes.hpp"

namespace parley::dtls::openssl {

/// The two ends of one SSL: a datagram that waits to be read, and a bounded queue of those written.
/// Lives longer than the SSL that uses it. One sequence of execution.
class DatagramBio {
 public:
  /// Datagrams written and not polled: a handshake flight has far fewer, application data beyond it
  /// is refused before it is protected, and repeated flights beyond it are dropped.
  static constexpr std::size_t kMaxQueued = 256;

  explicit DatagramBio(std::size_t max_datagram_size) : max_size_(max_datagram_size) {}
  DatagramBio(const DatagramBio&) = delete;
  DatagramBio& operator=(const DatagramBio&) = delete;

  /// A BIO that reads and writes here. Null when memory is exhausted.
  BioPtr make_bio();

  /// The next read returns `datagram`, which is borrowed until `clear_input`.
  void set_input(Bytes datagram) { input_ = datagram; }
  void clear_input() { input_ = {}; }
  bool input_taken() const { return input_.empty(); }

  /// The next record of data goes to `storage` and not into the queue.
  void set_output(MutableBytes storage) {
    direct_ = storage;
    direct_size_ = 0;
  }
  /// What was written there, which is nothing when the library had nothing to write.
  MutableBytes take_output() {
    const MutableBytes written = direct_.first(direct_size_);
    direct_ = {};
    direct_size_ = 0;
    return written;
  }

  /// From here on handshake records share datagrams with each other but not with earlier ones.
  void begin_flight() { mergeable_ = false; }
  /// Counts the calls of the library that wrote something.
  std::uint64_t writes() const { return writes_; }
  bool full() const { return output_.size() >= kMaxQueued; }
  std::optional<Bytes> pop(MutableBytes storage);
  /// Gives back what was kept for the datagrams of another flight.
  void release_spare() { spare_ = {}; }

  /// Makes the library believe that its retransmission timer has run out. False when it cannot be
  /// told: then its own clock decides (see docs/dtls.md).
  bool expire_library_timer();
  /// True when this version of the library lets itself be told.
  static bool library_timer_is_ours();

 private:
  friend struct BioCallbacks;
  bool read(char* out, int size, std::size_t& length);
  void write(Bytes record);
  long control(int command, void* argument);

  const std::size_t max_size_;
  Bytes input_;
  MutableBytes direct_;
  std::size_t direct_size_ = 0;
  std::list<std::vector<std::uint8_t>> output_;
  std::vector<std::vector<std::uint8_t>> spare_;
  bool mergeable_ = false;
  std::uint64_t writes_ = 0;
  timeval* library_deadline_ = nullptr;
};

}  // namespace parley::dtls::openssl
