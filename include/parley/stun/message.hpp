// STUN messages (RFC 8489) with the attributes that ICE (RFC 8445) and TURN (RFC 8656) use.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "parley/base/bytes.hpp"
#include "parley/base/crypto.hpp"
#include "parley/base/net.hpp"
#include "parley/base/random.hpp"

namespace parley::stun {

inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::uint32_t kMagicCookie = 0x2112A442;

/// The two class bits of the message type (RFC 8489 section 5).
enum class Class : std::uint8_t { request, indication, success_response, error_response };

/// Methods: RFC 8489 section 18.1 and RFC 8656 section 17. Other values are valid too.
enum class Method : std::uint16_t {
  binding = 0x001,
  allocate = 0x003,
  refresh = 0x004,
  send = 0x006,
  data = 0x007,
  create_permission = 0x008,
  channel_bind = 0x009,
};

/// Attribute types. 0x0000 to 0x7FFF are comprehension-required (RFC 8489 section 14).
enum class Attribute : std::uint16_t {
  mapped_address = 0x0001,
  change_request = 0x0003,  // RFC 5780
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000A,
  channel_number = 0x000C,  // RFC 8656
  lifetime = 0x000D,
  xor_peer_address = 0x0012,
  data = 0x0013,
  realm = 0x0014,
  nonce = 0x0015,
  xor_relayed_address = 0x0016,
  requested_address_family = 0x0017,
  even_port = 0x0018,
  requested_transport = 0x0019,
  dont_fragment = 0x001A,
  message_integrity_sha256 = 0x001C,
  password_algorithm = 0x001D,
  userhash = 0x001E,
  xor_mapped_address = 0x0020,
  reservation_token = 0x0022,
  priority = 0x0024,  // RFC 8445
  use_candidate = 0x0025,
  additional_address_family = 0x8000,
  address_error_code = 0x8001,
  password_algorithms = 0x8002,
  alternate_domain = 0x8003,
  icmp = 0x8004,
  software = 0x8022,
  alternate_server = 0x8023,
  fingerprint = 0x8028,
  ice_controlled = 0x8029,
  ice_controlling = 0x802A,
  response_origin = 0x802B,  // RFC 5780
  other_address = 0x802C,
};

/// True for attribute types that a receiver must understand (RFC 8489 section 14).
constexpr bool is_comprehension_required(std::uint16_t type) { return type < 0x8000; }

using TransactionId = std::array<std::uint8_t, 12>;

/// 96 bits of randomness (RFC 8489 section 5).
TransactionId make_transaction_id(Random& random);

/// True when a datagram can only be STUN among what shares a WebRTC port: first byte 0 to 3
/// (RFC 7983 section 7), magic cookie, and a length field that fits.
bool is_stun(Bytes datagram);

/// One attribute, borrowed from the message. `value` is without padding.
struct AttributeView {
  std::uint16_t type = 0;
  Bytes value;
};

/// ERROR-CODE: 300 to 699 and a reason for people (RFC 8489 section 14.8).
struct ErrorCode {
  int code = 0;
  std::string_view reason;
};

/// What a check of FINGERPRINT or of a MESSAGE-INTEGRITY attribute found.
enum class Verdict { absent, wrong, right };

/// A STUN message that borrows a datagram. Parsing checks the structure; FINGERPRINT and integrity
/// are checked on request. Readers see only what counts: attributes after MESSAGE-INTEGRITY are
/// not there, apart from MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489 section 14.5), and of
/// a repeated attribute only the first counts (section 14).
class MessageView {
 public:
  /// nullopt when the datagram is not one whole STUN message: header, cookie, length, attributes
  /// that overrun, integrity attributes of a wrong size, anything after FINGERPRINT.
  static std::optional<MessageView> parse(Bytes datagram);

  Class message_class() const { return class_; }
  Method method() const { return method_; }
  const TransactionId& transaction_id() const { return id_; }
  Bytes datagram() const { return datagram_; }

  /// The value of the first attribute of this type, without padding.
  std::optional<Bytes> find(Attribute type) const;
  bool has(Attribute type) const { return find(type).has_value(); }
  /// Steps through the attributes that count: start with 0, continue with the value left in
  /// `position`. nullopt at the end.
  std::optional<AttributeView> next(std::size_t& position) const;

  /// The value of a fixed-size attribute; nullopt when absent or of another size.
  std::optional<std::uint32_t> u32(Attribute type) const;
  std::optional<std::uint64_t> u64(Attribute type) const;
  /// The value as text; bytes exact, no encoding is checked.
  std::optional<std::string_view> text(Attribute type) const;
  /// MAPPED-ADDRESS and its like (RFC 8489 section 14.1).
  std::optional<SocketAddress> address(Attribute type) const;
  /// XOR-MAPPED-ADDRESS and its like (RFC 8489 section 14.2).
  std::optional<SocketAddress> xor_address(Attribute type) const;
  std::optional<ErrorCode> error_code() const;
  /// XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS of an older server (RFC 8489 section 14.2).
  std::optional<SocketAddress> mapped_address() const;

  /// The comprehension-required attribute types that are not in `known`, first of each, into `out`;
  /// returns how many were written. Types of this header's integrity attributes are always known.
  std::size_t unknown_required(std::span<const Attribute> known,
                               std::span<std::uint16_t> out) const;

  Verdict check_fingerprint() const;
  /// `key` is an HMAC-SHA1 with the password (short-term) or the long-term key.
  Verdict check_integrity(Hmac& key) const;
  /// `key` is an HMAC-SHA256; tags cut to 16 bytes or more are accepted (RFC 8489 section 14.6).
  Verdict check_integrity_sha256(Hmac& key) const;

 private:
  MessageView() = default;
  Verdict check_tag(std::size_t at, Hmac& key, std::size_t full_size) const;

  Bytes datagram_;
  TransactionId id_{};
  Class class_{};
  Method method_{};
  std::size_t end_ = 0;        // where the attributes that count end
  std::size_t integrity_ = 0;  // offsets of the attribute headers; 0 when absent
  std::size_t integrity_sha256_ = 0;
  std::size_t fingerprint_ = 0;
};

/// Writes one STUN message into storage of the caller. After the first attribute that did not fit
/// `finish()` gives an empty span. Order matters to receivers: ordinary attributes, then
/// MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256, FINGERPRINT.
class MessageWriter {
 public:
  MessageWriter(MutableBytes storage, Class message_class, Method method, const TransactionId& id);

  /// What fills attributes up to 32 bits: zero (RFC 8489 section 14), other in published vectors.
  void set_padding(std::uint8_t value) { padding_ = value; }

  void add(Attribute type, Bytes value);
  void add_text(Attribute type, std::string_view text) { add(type, as_bytes(text)); }
  void add_flag(Attribute type) { add(type, Bytes{}); }
  void add_u32(Attribute type, std::uint32_t value);
  void add_u64(Attribute type, std::uint64_t value);
  void add_address(Attribute type, const SocketAddress& address);
  void add_xor_address(Attribute type, const SocketAddress& address);
  /// `code` is 300 to 699.
  void add_error(int code, std::string_view reason);
  void add_unknown_attributes(std::span<const std::uint16_t> types);

  /// `key` is an HMAC-SHA1 that may be used again for other messages.
  void add_integrity(Hmac& key);
  /// `key` is an HMAC-SHA256.
  void add_integrity_sha256(Hmac& key);
  void add_fingerprint();

  /// The message so far, or an empty span when it did not fit. May be called again after more was
  /// added.
  Bytes finish();

 private:
  MutableBytes begin(Attribute type, std::size_t size);
  void add_tag(Attribute type, std::size_t size, Hmac& key);
  void set_length(std::size_t total);

  ByteWriter out_;
  std::uint8_t padding_ = 0;
};

}  // namespace parley::stun
