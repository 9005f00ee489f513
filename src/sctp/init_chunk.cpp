#include "sctp/init_chunk.hpp"

#include "sctp/packet.hpp"

namespace parley::sctp {
namespace {

constexpr std::uint16_t kStateCookie = 7;
constexpr std::uint16_t kUnrecognized = 8;
constexpr std::uint16_t kZeroChecksum = 0x8001;         // RFC 9653 section 4
constexpr std::uint16_t kSupportedExtensions = 0x8008;  // RFC 5061 section 4.2.7
constexpr std::uint16_t kForwardTsn = 0xC000;           // RFC 3758 section 3.1
constexpr std::uint32_t kOverDtls = 1;                  // RFC 9653 section 5: the method's number

bool has(Bytes types, ChunkType type) {
  for (const std::uint8_t t : types) {
    if (t == static_cast<std::uint8_t>(type)) return true;
  }
  return false;
}

void take_extensions(InitChunk& init, Bytes types) {
  init.re_config = has(types, ChunkType::re_config);
  init.forward_tsn = init.forward_tsn || has(types, ChunkType::forward_tsn);
  init.interleaving = has(types, ChunkType::i_data) && has(types, ChunkType::i_forward_tsn);
}

// Address parameters of RFC 9260 are known but mean nothing over DTLS; so are those of hosts with
// several addresses and of ECN that other stacks may send.
bool is_known_and_idle(std::uint16_t type) {
  constexpr std::uint16_t kTypes[] = {5, 6, 8, 9, 11, 12};
  for (const std::uint16_t t : kTypes) {
    if (t == type) return true;
  }
  return false;
}

std::size_t extension_count(const InitChunk& init) {
  return std::size_t{init.re_config} + std::size_t{init.forward_tsn} +
         (init.interleaving ? 2U : 0U);
}

void write_parameter(ByteWriter& w, std::uint16_t type, Bytes value) {
  w.u16(type);
  w.u16(static_cast<std::uint16_t>(4 + value.size()));
  w.bytes(value);
  // Does not fit, and need not, when this is the last one: the chunk's padding follows.
  w.zeros(padded(value.size()) - value.size());
}

}  // namespace

std::optional<InitChunk> InitChunk::parse(Bytes value) {
  ByteReader r{value};
  InitChunk init;
  init.initiate_tag = r.u32();
  init.window = r.u32();
  init.outbound_streams = r.u16();
  init.inbound_streams = r.u16();
  init.initial_tsn = r.u32();
  if (!r.ok() || init.initiate_tag == 0 || init.outbound_streams == 0 ||
      init.inbound_streams == 0) {
    return std::nullopt;
  }
  ParameterReader parameters{r.rest()};
  while (const auto p = parameters.next()) {
    switch (p->type) {
      case kStateCookie:
        init.cookie = p->value;
        break;
      case kZeroChecksum:
        init.zero_checksum = p->value.size() == 4 && load_be32(p->value.data()) == kOverDtls;
        break;
      case kSupportedExtensions:
        take_extensions(init, p->value);
        break;
      case kForwardTsn:
        init.forward_tsn = true;
        break;
      default: {
        if (is_known_and_idle(p->type)) break;
        const UnknownTypeRule rule = unknown_parameter_rule(p->type);
        if (rule.report && init.unknown_count < init.unknown.size()) {
          init.unknown[init.unknown_count++] = p->whole;
        }
        if (!rule.skip) return init;
      }
    }
  }
  if (parameters.malformed()) return std::nullopt;
  return init;
}

// Section 3.2: the length of a chunk counts the padding of all its parameters but the last.
std::size_t InitChunk::value_size() const {
  std::size_t size = 16;
  std::size_t last_padding = 0;
  const auto add = [&](std::size_t value) {
    size += 4 + padded(value);
    last_padding = padded(value) - value;
  };
  if (!cookie.empty()) add(cookie.size());
  if (forward_tsn) add(0);
  if (extension_count(*this) > 0) add(extension_count(*this));
  if (zero_checksum) add(4);
  for (std::size_t i = 0; i < unknown_count; ++i) add(unknown[i].size());
  return size - last_padding;
}

void InitChunk::write_to(MutableBytes out) const {
  ByteWriter w{out};
  w.u32(initiate_tag);
  w.u32(window);
  w.u16(outbound_streams);
  w.u16(inbound_streams);
  w.u32(initial_tsn);
  if (!cookie.empty()) write_parameter(w, kStateCookie, cookie);
  if (forward_tsn) write_parameter(w, kForwardTsn, {});
  if (extension_count(*this) > 0) {
    std::array<std::uint8_t, 4> types{};
    ByteWriter t{types};
    const auto add = [&t](ChunkType type) { t.u8(static_cast<std::uint8_t>(type)); };
    if (re_config) add(ChunkType::re_config);
    if (forward_tsn) add(ChunkType::forward_tsn);
    if (interleaving) add(ChunkType::i_data);
    if (interleaving) add(ChunkType::i_forward_tsn);
    write_parameter(w, kSupportedExtensions, t.written());
  }
  if (zero_checksum) {
    std::array<std::uint8_t, 4> method{};
    store_be32(method.data(), kOverDtls);
    write_parameter(w, kZeroChecksum, method);
  }
  for (std::size_t i = 0; i < unknown_count; ++i) write_parameter(w, kUnrecognized, unknown[i]);
}

}  // namespace parley::sctp
