// A certificate with its private key: who we are in every association that uses it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "parley/base/bytes.hpp"
#include "parley/base/random.hpp"
#include "parley/base/result.hpp"
#include "parley/dtls/fingerprint.hpp"

namespace parley::dtls {

/// From when until when a certificate is valid. Only what is printed in it: peers check the
/// fingerprint, not the dates (RFC 8827 section 6.5).
struct Validity {
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
};

/// A certificate, its chain and its private key, with everything an engine can prepare once for all
/// associations that use them. Immutable: one Identity may serve transports on several threads.
class Identity {
 public:
  /// A fresh ECDSA P-256 key in a self-signed certificate (RFC 8827 section 6.5). `random` gives
  /// the serial number; the key itself is made by the cryptographic library from the system's
  /// randomness. Errors: invalid_argument when the validity is empty; crypto.
  static Result<std::shared_ptr<const Identity>> create(const Validity& validity, Random& random);

  /// A certificate chain in PEM (ours first) and the private key of its first certificate, EC or
  /// RSA of at least 2048 bits. Errors: syntax when the text is not PEM of these things,
  /// invalid_argument when the key does not fit the certificate, unsupported for other key types.
  static Result<std::shared_ptr<const Identity>> from_pem(std::string_view certificates,
                                                          std::string_view private_key);

  ~Identity();

  /// What goes into SDP.
  Fingerprint fingerprint(DigestAlgorithm algorithm = DigestAlgorithm::sha256) const;
  /// The certificate, as long as this object lives.
  Bytes certificate_der() const;
  Validity validity() const;

  /// The certificate chain and the private key, to keep them and load them again. The second is a
  /// secret of the caller from then on.
  std::string certificate_pem() const;
  std::string private_key_pem() const;

  /// What the engines see; defined in a private header.
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit Identity(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::dtls
