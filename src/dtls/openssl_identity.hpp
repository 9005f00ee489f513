// What the OpenSSL engine sees of an Identity.
#pragma once

#include <cstdint>
#include <vector>

#include "dtls/openssl_handles.hpp"
#include "parley/dtls/identity.hpp"

namespace parley::dtls {

/// Immutable once made, so that threads may share it.
struct Identity::Impl {
  openssl::KeyPtr key;
  /// Ours first, then its issuers; never empty.
  std::vector<openssl::CertificatePtr> chain;
  std::vector<std::uint8_t> der;
};

}  // namespace parley::dtls
