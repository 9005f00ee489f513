#include "dtls/openssl_context.hpp"

#include "dtls/openssl_bio.hpp"
#include "dtls/openssl_library.hpp"

namespace parley::dtls::openssl {
namespace {

// RFC 8827 section 6.5 and RFC 9325 section 4.2: forward secrecy and AEAD only, P-256 with
// AES-128-GCM first; peers may have RSA certificates. Of ciphers there are only those that the
// record layer has, which takes over after the handshake.
constexpr char kSuites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kSignatures[] =
    "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:"
    "ECDSA+SHA512:RSA-PSS+SHA512:RSA+SHA512";
constexpr char kGroups[] = "X25519:P-256:P-384";
// 112 bits (RFC 9325 section 4.5): no RSA or DH below 2048 bits, no SHA-1 signatures.
constexpr int kSecurityLevel = 2;
// The bound of a reassembled handshake message; browsers' chains take one to three kilobytes.
constexpr long kMaxCertificateList = 32'768;
// The longest that OpenSSL's timer callback can express is 71 minutes: as good as never.
constexpr unsigned int kLibraryNever = 4'000'000'000U;

SslOwner* owner_of(const SSL* ssl) { return static_cast<SslOwner*>(SSL_get_app_data(ssl)); }

int verify(X509_STORE_CTX* chain, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return owner_of(ssl)->judge_chain(chain);
}

void info(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_ALERT) != 0) owner_of(ssl)->note_alert(where, value);
}

void key_log(const SSL* ssl, const char* line) { owner_of(ssl)->log_key(line); }

// How long OpenSSL's own retransmission timer runs, in microseconds. It must not run out by itself
// where ours decides.
unsigned int library_timeout(SSL* ssl, unsigned int) {
  if (DatagramBio::library_timer_is_ours()) return kLibraryNever;
  return static_cast<unsigned int>(owner_of(ssl)->flight_timeout().count());
}

SSL_CTX* build_context() {
  SslContextPtr context(SSL_CTX_new_ex(library(), nullptr, DTLS_method()));
  SSL_CTX* c = context.get();
  if (c == nullptr) return nullptr;
  SSL_CTX_set_security_level(c, kSecurityLevel);
  if (SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(c, DTLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(c, kSuites) != 1 || SSL_CTX_set1_sigalgs_list(c, kSignatures) != 1 ||
      SSL_CTX_set1_groups_list(c, kGroups) != 1) {
    return nullptr;
  }
  // RFC 7627 needs no option: OpenSSL always offers and accepts it. Sessions are never resumed, so
  // tickets would only lengthen the handshake.
  SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_cert_list(c, kMaxCertificateList);
  // RFC 5763 section 5: both sides show a certificate, so a server always asks for it. Whose it is
  // the fingerprint says; chains of trust mean nothing here (RFC 8827 section 6.5).
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(c, verify, nullptr);
  SSL_CTX_set_info_callback(c, info);
  SSL_CTX_set_keylog_callback(c, key_log);
  return context.release();
}

// OpenSSL wants this object to exist before any SSL, and making it takes longer than a signature.
// It is made on first use, the same for everybody, and never changed: threads may share it.
SSL_CTX* shared_context() {
  static SSL_CTX* const context = build_context();
  return context;
}

}  // namespace

SslPtr make_ssl(SslOwner* owner) {
  SSL_CTX* context = shared_context();
  SslPtr ssl(context == nullptr ? nullptr : SSL_new(context));
  if (ssl) {
    SSL_set_app_data(ssl.get(), owner);
    DTLS_set_timer_cb(ssl.get(), library_timeout);
  }
  return ssl;
}

bool install_identity(SSL* ssl, const Identity::Impl& identity) {
  if (SSL_use_certificate(ssl, identity.chain.front().get()) != 1 ||
      SSL_use_PrivateKey(ssl, identity.key.get()) != 1) {
    return false;
  }
  for (std::size_t i = 1; i < identity.chain.size(); ++i) {
    if (SSL_add1_chain_cert(ssl, identity.chain[i].get()) != 1) return false;
  }
  return true;
}

}  // namespace parley::dtls::openssl
