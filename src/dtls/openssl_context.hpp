// What all SSL objects of the program have in common.
#pragma once

#include "dtls/openssl_handles.hpp"
#include "dtls/openssl_identity.hpp"
#include "parley/base/time.hpp"

namespace parley::dtls::openssl {

/// What an SSL asks its owner in the middle of a call. The owner outlives the SSL.
class SslOwner {
 public:
  virtual ~SslOwner() = default;
  /// 1 to accept the peer's certificate; 0, with an error set in `chain`, to refuse it.
  virtual int judge_chain(X509_STORE_CTX* chain) = 0;
  /// An alert was read or written: SSL_CB_READ or SSL_CB_WRITE, and level and description.
  virtual void note_alert(int where, int alert) = 0;
  virtual void log_key(const char* line) = 0;
  /// How long the present flight waits for its answer.
  virtual Duration flight_timeout() const = 0;
};

/// A new SSL with the suites, options and callbacks of all of ours, DTLS 1.2 only, that asks
/// `owner`. Null when memory is exhausted.
SslPtr make_ssl(SslOwner* owner);

/// Gives `ssl` its certificate, chain and key. False when OpenSSL refuses them.
bool install_identity(SSL* ssl, const Identity::Impl& identity);

}  // namespace parley::dtls::openssl
