#include "dtls/openssl_bio.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

namespace parley::dtls::openssl {
namespace {

bool is_handshake(const RecordHeader& header) {
  return header.type == ContentType::change_cipher_spec || header.type == ContentType::handshake;
}

}  // namespace

// The functions that OpenSSL calls, with the object they mean.
struct BioCallbacks {
  static DatagramBio* object(BIO* bio) { return static_cast<DatagramBio*>(BIO_get_data(bio)); }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }
  static int read(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    std::size_t length = 0;
    if (object(bio)->read(out, size, length)) return static_cast<int>(length);
    BIO_set_retry_read(bio);
    return -1;
  }
  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    object(bio)->write(
        {reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)});
    return size;
  }
  static long control(BIO* bio, int command, long, void* argument) {
    return object(bio)->control(command, argument);
  }

  // Tables of functions, made on first use and kept: OpenSSL wants one object per kind of BIO for
  // as long as any BIO of the kind lives. Nothing changes it afterwards.
  static const BIO_METHOD* method() {
    static BIO_METHOD* const table = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "parley datagrams");
      if (m == nullptr) return m;
      BIO_meth_set_create(m, create);
      BIO_meth_set_read(m, read);
      BIO_meth_set_write(m, write);
      BIO_meth_set_ctrl(m, control);
      return m;
    }();
    return table;
  }
};

BioPtr DatagramBio::make_bio() {
  const BIO_METHOD* method = BioCallbacks::method();
  BioPtr bio(method == nullptr ? nullptr : BIO_new(method));
  if (bio) BIO_set_data(bio.get(), this);
  return bio;
}

bool DatagramBio::read(char* out, int size, std::size_t& length) {
  if (input_.empty() || size <= 0) return false;
  // A datagram is read in one piece; what does not fit is lost, as with a socket.
  length = std::min(input_.size(), static_cast<std::size_t>(size));
  std::memcpy(out, input_.data(), length);
  input_ = {};
  return true;
}

void DatagramBio::write(Bytes records) {
  ++writes_;
  note_written(records);
  const auto first = parse_record_header(records);
  const bool handshake = first && is_handshake(*first);
  // RFC 6347 section 4.2.3 lets records of one flight share a datagram. OpenSSL packs a flight when
  // it makes it, but writes message by message when it repeats it.
  if (handshake && mergeable_ && output_.back().size() + records.size() <= max_size_) {
    output_.back().insert(output_.back().end(), records.begin(), records.end());
    return;
  }
  if (output_.push({records.begin(), records.end()})) mergeable_ = handshake;
}

void DatagramBio::note_written(Bytes records) {
  while (const auto header = parse_record_header(records)) {
    const Bytes content = records.subspan(kRecordHeaderSize, header->content_size);
    records = records.subspan(header->record_size());
    if (header->epoch == 0) {
      next_unprotected_ = header->sequence + 1;
      continue;
    }
    last_protected_ = {header->sequence,
                       content.size() < kExplicitNonceSize ? 0 : load_be64(content.data())};
  }
}

void DatagramBio::append_unprotected(ContentType type, Bytes content) {
  std::vector<std::uint8_t> record(kRecordHeaderSize + content.size());
  write_record_header(record.data(), type, 0, next_unprotected_++, content.size());
  std::copy(content.begin(), content.end(), record.begin() + kRecordHeaderSize);
  output_.push(std::move(record));
}

std::optional<Bytes> DatagramBio::pop(MutableBytes storage) {
  const auto datagram = output_.pop(storage);
  if (output_.empty()) mergeable_ = false;
  return datagram;
}

long DatagramBio::control(int command, void* argument) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:  // Asked after two silent repetitions: do not shrink.
      return static_cast<long>(max_size_);
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
      // Up to 3.1 the argument is the library's own variable; later versions pass a copy.
      library_deadline_ = library_timer_is_ours() ? static_cast<timeval*>(argument) : nullptr;
      return 1;
    default:
      // Among them BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: our sizes are UDP payloads, headers excluded.
      return 0;
  }
}

bool DatagramBio::library_timer_is_ours() {
  static constexpr unsigned long kFirstVersionWithCopies = 0x30200000UL;
  return OpenSSL_version_num() < kFirstVersionWithCopies;
}

bool DatagramBio::expire_library_timer() {
  if (library_deadline_ == nullptr) return false;
  // Zero would mean "not running"; a microsecond after the epoch has certainly passed.
  *library_deadline_ = timeval{0, 1};
  return true;
}

}  // namespace parley::dtls::openssl
