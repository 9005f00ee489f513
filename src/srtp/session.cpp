#include "parley/srtp/session.hpp"

#include "srtp/libsrtp_session.hpp"

namespace parley::srtp {

std::size_t key_size(Profile profile) { return profile == Profile::aead_aes_256_gcm ? 32 : 16; }

std::size_t salt_size(Profile profile) { return profile == Profile::aes128_cm_sha1_80 ? 14 : 12; }

// The one place that chooses the transform: another one is another class and a line here.
Result<std::unique_ptr<Session>> Session::create(Profile profile, MasterKey local,
                                                 MasterKey remote) {
  return LibsrtpSession::create(profile, local, remote);
}

}  // namespace parley::srtp
