// Owning pointers for OpenSSL's objects.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace parley::dtls::openssl {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, Deleter<&BIO_free>>;
using CipherContextPtr = std::unique_ptr<EVP_CIPHER_CTX, Deleter<&EVP_CIPHER_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<&EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<&SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, Deleter<&SSL_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<&X509_free>>;

}  // namespace parley::dtls::openssl
