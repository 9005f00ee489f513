// OpenSSL with nothing but what a handshake needs.
#pragma once

#include <openssl/types.h>

namespace parley::dtls::openssl {

/// The library context of all our SSL objects and of the certificates that we make. Made on first
/// use and never changed: threads may share it. Providers and settings of the program (openssl.cnf)
/// have no part in it. Null, which OpenSSL takes for the program's own context, from OpenSSL 3.2
/// on, in FIPS mode, and when it cannot be made.
OSSL_LIB_CTX* library();

}  // namespace parley::dtls::openssl
