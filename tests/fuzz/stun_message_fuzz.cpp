// Parses any bytes as a STUN message, reads everything, and writes what was read again.
#include <array>
#include <cstdlib>
#include <vector>

#include "parley/stun/message.hpp"
#include "parley/stun/uri.hpp"

using namespace parley;
using namespace parley::stun;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void read_everything(const MessageView& m) {
  for (const unsigned type : {0x0001U, 0x0009U, 0x0012U, 0x0016U, 0x0020U, 0x0024U, 0x802AU}) {
    const auto attribute = static_cast<Attribute>(type);
    m.address(attribute);
    m.xor_address(attribute);
    m.u32(attribute);
    m.u64(attribute);
    m.text(attribute);
  }
  m.error_code();
  m.mapped_address();
  std::array<std::uint16_t, 4> unknown{};
  require(m.unknown_required({}, unknown) <= unknown.size());
  Hmac sha1{DigestAlgorithm::sha1, as_bytes("key")};
  Hmac sha256{DigestAlgorithm::sha256, as_bytes("key")};
  m.check_integrity(sha1);
  m.check_integrity_sha256(sha256);
  m.check_fingerprint();
}

void rewrite(const MessageView& m) {
  std::vector<std::uint8_t> storage(m.datagram().size() + 100);
  MessageWriter out{storage, m.message_class(), m.method(), m.transaction_id()};
  std::size_t position = 0;
  while (const auto a = m.next(position)) out.add(static_cast<Attribute>(a->type), a->value);
  Hmac sha1{DigestAlgorithm::sha1, as_bytes("key")};
  Hmac sha256{DigestAlgorithm::sha256, as_bytes("key")};
  out.add_integrity(sha1);
  out.add_integrity_sha256(sha256);
  out.add_fingerprint();
  const Bytes bytes = out.finish();
  if (bytes.empty()) return;  // the integrity attributes did not fit into the length field
  const auto again = MessageView::parse(bytes);
  require(again.has_value());
  require(again->message_class() == m.message_class() && again->method() == m.method());
  require(again->check_integrity(sha1) == Verdict::right);
  require(again->check_integrity_sha256(sha256) == Verdict::right);
  require(again->check_fingerprint() == Verdict::right);
  std::size_t one = 0, two = 0;
  while (const auto a = m.next(one)) {
    const auto b = again->next(two);
    require(b && a->type == b->type && as_text(a->value) == as_text(b->value));
  }
  require(!again->next(two));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes{data, size};
  if (const auto m = MessageView::parse(bytes)) {
    require(is_stun(bytes));
    read_everything(*m);
    rewrite(*m);
  }
  if (size < 300) (void)ServerUri::parse(as_text(bytes)).has_value();
  return 0;
}
