#include "sctp/state_cookie.hpp"

namespace parley::sctp {

CookieJar::CookieJar(Random& random) { random.fill(key_); }

CookieJar::Cookie CookieJar::seal(const StateCookie& state) {
  Cookie out{};
  ByteWriter w{out};
  w.u64(static_cast<std::uint64_t>(state.made.time_since_epoch().count()));
  w.u32(state.local_tag);
  w.u32(state.local_initial_tsn);
  w.u32(state.peer.initiate_tag);
  w.u32(state.peer.window);
  w.u16(state.peer.outbound_streams);
  w.u16(state.peer.inbound_streams);
  w.u32(state.peer.initial_tsn);
  w.u8(static_cast<std::uint8_t>((state.peer.forward_tsn ? 1 : 0) | (state.peer.re_config ? 2 : 0) |
                                 (state.peer.interleaving ? 4 : 0) |
                                 (state.peer.zero_checksum ? 8 : 0)));
  // The key's schedule is not kept: a cookie is made once or twice in an association's life, and
  // idle associations stay small.
  Hmac hmac{DigestAlgorithm::sha256, key_};
  const MutableBytes whole{out};
  hmac.compute({whole.first(kBodySize)}, whole.subspan(kBodySize));
  return out;
}

std::optional<StateCookie> CookieJar::open(Bytes cookie) {
  if (cookie.size() != kSize) return std::nullopt;
  std::array<std::uint8_t, 32> tag{};
  Hmac hmac{DigestAlgorithm::sha256, key_};
  if (hmac.compute({cookie.first(kBodySize)}, tag) != tag.size()) return std::nullopt;
  if (!equal_in_constant_time(tag, cookie.subspan(kBodySize))) return std::nullopt;
  ByteReader r{cookie};
  StateCookie state;
  state.made = Timestamp{Duration{static_cast<std::int64_t>(r.u64())}};
  state.local_tag = r.u32();
  state.local_initial_tsn = r.u32();
  state.peer.initiate_tag = r.u32();
  state.peer.window = r.u32();
  state.peer.outbound_streams = r.u16();
  state.peer.inbound_streams = r.u16();
  state.peer.initial_tsn = r.u32();
  const std::uint8_t flags = r.u8();
  state.peer.forward_tsn = (flags & 1) != 0;
  state.peer.re_config = (flags & 2) != 0;
  state.peer.interleaving = (flags & 4) != 0;
  state.peer.zero_checksum = (flags & 8) != 0;
  return state;
}

}  // namespace parley::sctp
