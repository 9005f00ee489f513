// EC_KEY is what OpenSSL 3 calls deprecated: see generate_key.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "dtls/openssl_identity.hpp"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>
#include <utility>

#include "dtls/openssl_context.hpp"
#include "dtls/openssl_library.hpp"

namespace parley::dtls {
namespace {

using openssl::BioPtr;
using openssl::CertificatePtr;
using openssl::KeyPtr;

// RFC 9325 section 4.5: RSA keys below 2048 bits are not to be used.
constexpr int kMinRsaBits = 2048;

BioPtr open_text(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string take_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::vector<std::uint8_t> to_der(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(size));
  unsigned char* at = der.data();
  i2d_X509(certificate, &at);
  return der;
}

// A P-256 key (RFC 8827 section 6.5: what every endpoint must support). As an EC_KEY, because
// X509_set_pubkey of OpenSSL 3.0 writes a provider's key out and reads it back through a decoder
// that it puts together anew each time: four times the cost of making and signing all the rest.
KeyPtr generate_key() {
  // Copying the curve costs a tenth of deriving it from its constants.
  static const EC_GROUP* const curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  EC_KEY* ec = EC_KEY_new();
  KeyPtr key(EVP_PKEY_new());
  if (ec == nullptr || !key || EC_KEY_set_group(ec, curve) != 1 || EC_KEY_generate_key(ec) != 1 ||
      EVP_PKEY_assign_EC_KEY(key.get(), ec) != 1) {
    EC_KEY_free(ec);
    return nullptr;
  }
  return key;
}

bool set_time(ASN1_TIME* time, std::chrono::sys_seconds at) {
  return ASN1_TIME_set(time, static_cast<std::time_t>(at.time_since_epoch().count())) != nullptr;
}

// Self-signed, with the name that browsers use, so that it tells nothing about its owner.
CertificatePtr sign_certificate(EVP_PKEY* key, const Validity& validity, std::uint64_t serial) {
  // In the context of its later use, so that the key is prepared for signing once.
  CertificatePtr certificate(X509_new_ex(openssl::library(), nullptr));
  if (!certificate) return nullptr;
  X509* x = certificate.get();
  static constexpr unsigned char kName[] = "WebRTC";
  X509_NAME* name = X509_get_subject_name(x);
  // RFC 5280 section 4.1.2.2: serial numbers are positive.
  const bool filled = X509_set_version(x, X509_VERSION_3) == 1 &&
                      ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), (serial >> 1) | 1) == 1 &&
                      set_time(X509_getm_notBefore(x), validity.not_before) &&
                      set_time(X509_getm_notAfter(x), validity.not_after) &&
                      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, kName, -1, -1, 0) == 1 &&
                      X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1;
  if (!filled || X509_sign(x, key, EVP_sha256()) == 0) return nullptr;
  return certificate;
}

// OpenSSL asks for a pass phrase on the terminal unless it is given a function that has none.
int no_pass_phrase(char*, int, int, void*) { return 0; }

Error refuse(Errc code, const char* where) {
  ERR_clear_error();
  return Error{code, where};
}

std::chrono::sys_seconds to_seconds_since_epoch(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  const auto day =
      std::chrono::sys_days(std::chrono::year(parts.tm_year + 1900) /
                            std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)) /
                            std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  return day + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         std::chrono::seconds(parts.tm_sec);
}

}  // namespace

Identity::Identity(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Identity::~Identity() = default;

Result<std::shared_ptr<const Identity>> Identity::create(const Validity& validity, Random& random) {
  if (validity.not_after <= validity.not_before) {
    return Error{Errc::invalid_argument, "certificate validity ends before it begins"};
  }
  auto impl = std::make_unique<Impl>();
  impl->key = generate_key();
  if (!impl->key) return refuse(Errc::crypto, "generating a P-256 key");
  auto certificate = sign_certificate(impl->key.get(), validity, random.u64());
  if (!certificate) return refuse(Errc::crypto, "signing a certificate");
  impl->der = to_der(certificate.get());
  impl->chain.push_back(std::move(certificate));
  return std::shared_ptr<const Identity>(new Identity(std::move(impl)));
}

Result<std::shared_ptr<const Identity>> Identity::from_pem(std::string_view certificates,
                                                           std::string_view private_key) {
  auto impl = std::make_unique<Impl>();
  const BioPtr key_text = open_text(private_key);
  impl->key.reset(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_pass_phrase, nullptr));
  if (!impl->key) return refuse(Errc::syntax, "private key in PEM");
  const BioPtr chain_text = open_text(certificates);
  while (X509* next = PEM_read_bio_X509(chain_text.get(), nullptr, no_pass_phrase, nullptr)) {
    impl->chain.emplace_back(next);
  }
  if (impl->chain.empty()) return refuse(Errc::syntax, "certificate in PEM");

  const bool rsa = EVP_PKEY_is_a(impl->key.get(), "RSA") == 1;
  if (!rsa && EVP_PKEY_is_a(impl->key.get(), "EC") != 1) {
    return refuse(Errc::unsupported, "private key is neither EC nor RSA");
  }
  if (rsa && EVP_PKEY_get_bits(impl->key.get()) < kMinRsaBits) {
    return refuse(Errc::unsupported, "RSA key below 2048 bits");
  }
  if (X509_check_private_key(impl->chain.front().get(), impl->key.get()) != 1) {
    return refuse(Errc::invalid_argument, "private key does not fit the certificate");
  }
  impl->der = to_der(impl->chain.front().get());
  const auto trial = openssl::make_ssl(nullptr);
  if (!trial || !openssl::install_identity(trial.get(), *impl)) {
    return refuse(Errc::unsupported, "key or certificate not usable for DTLS");
  }
  ERR_clear_error();
  return std::shared_ptr<const Identity>(new Identity(std::move(impl)));
}

Fingerprint Identity::fingerprint(DigestAlgorithm algorithm) const {
  return Fingerprint::of(impl_->der, algorithm);
}

Bytes Identity::certificate_der() const { return impl_->der; }

Validity Identity::validity() const {
  const X509* certificate = impl_->chain.front().get();
  return {to_seconds_since_epoch(X509_get0_notBefore(certificate)),
          to_seconds_since_epoch(X509_get0_notAfter(certificate))};
}

std::string Identity::certificate_pem() const {
  const BioPtr text(BIO_new(BIO_s_mem()));
  for (const auto& certificate : impl_->chain) PEM_write_bio_X509(text.get(), certificate.get());
  return take_text(text.get());
}

std::string Identity::private_key_pem() const {
  const BioPtr text(BIO_new(BIO_s_secmem()));
  PEM_write_bio_PrivateKey(text.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return take_text(text.get());
}

}  // namespace parley::dtls
