// What the OpenSSL engine sees of an Identity.
#pragma once

#include <cstdint>
#include <vector>

#include "dtls/openssl_handles.hpp"
#include "parley/dtls/identity.hpp"

namespace parley::dtls {

struct Identity::Impl {
  openssl::KeyPtr key;
  /// Ours first, then its issuers.
  std::vector<openssl::CertificatePtr> chain;
  std::vector<std::uint8_t> der;
  /// Certificate, key, suites and options. Making one costs as much as half a handshake, so it is
  /// made once per identity; nothing changes it afterwards, so threads may share it.
  openssl::SslContextPtr context;
};

namespace openssl {

/// The SSL_CTX of an identity whose key and chain are set. Null when OpenSSL refuses the key.
SslContextPtr build_context(const Identity::Impl& identity);

}  // namespace openssl
}  // namespace parley::dtls
