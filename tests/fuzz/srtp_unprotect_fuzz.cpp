// Hostile packets into all profiles, and changed copies of authentic ones: nothing unauthentic
// passes, and what is authentic passes once.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "parley/base/assert.hpp"
#include "parley/srtp/session.hpp"

namespace {

using namespace parley;
using namespace parley::srtp;
using Buffer = std::vector<std::uint8_t>;

constexpr Profile kProfiles[] = {Profile::aes128_cm_sha1_80, Profile::aead_aes_128_gcm,
                                 Profile::aead_aes_256_gcm};

std::unique_ptr<Session> make_session(Profile profile) {
  const Buffer key(key_size(profile), 0x42);
  const Buffer salt(salt_size(profile), 0x17);
  return *Session::create(profile, {key, salt}, {key, salt});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const bool control = (data[0] & 1) != 0;
  const auto session = make_session(kProfiles[data[0] / 2 % std::size(kProfiles)]);
  const auto unprotect = [&](Buffer& packet) {
    return control ? session->unprotect_rtcp(packet) : session->unprotect_rtp(packet);
  };
  const std::uint16_t at = load_be16(data + 1);
  const std::uint8_t flip = data[3];
  const Bytes body(data + 4, std::min<std::size_t>(size - 4, 2000));

  Buffer raw(body.begin(), body.end());
  PARLEY_ASSERT(!unprotect(raw), "nobody without the keys makes an authentic packet");

  Buffer storage(body.begin(), body.end());
  storage.resize(body.size() + kMaxTrailer);
  const auto sealed = control ? session->protect_rtcp(storage, body.size())
                              : session->protect_rtp(storage, body.size());
  if (!sealed) return 0;
  const Buffer good(sealed->begin(), sealed->end());
  Buffer bad = good;
  bad[at % bad.size()] ^= flip;
  if (flip != 0) PARLEY_ASSERT(!unprotect(bad), "a changed packet does not pass");
  Buffer copy = good;
  const auto plain = unprotect(copy);
  PARLEY_ASSERT(plain && std::equal(plain->begin(), plain->end(), body.begin(), body.end()),
                "an authentic packet comes out as it went in");
  copy = good;
  PARLEY_ASSERT(!unprotect(copy), "and only once");
  return 0;
}
