// To read a peer's certificate OpenSSL 3.0 puts a decoder of its key together, anew each time: it
// goes through all algorithms that there are, asks each of forty decoders about each of eighteen
// kinds of keys, and so takes a fifth of all that setting two connections up costs. Here it finds a
// provider that shows only what a handshake with our suites uses of the default one.
#include "dtls/openssl_library.hpp"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace parley::dtls::openssl {
namespace {

/// By the first of their names.
std::vector<std::string_view> needed_names(int operation) {
  switch (operation) {
    case OSSL_OP_DIGEST:
      return {"SHA1", "SHA2-256", "SHA2-384", "SHA2-512"};  // SHA1: how X509 knows itself again
    case OSSL_OP_CIPHER:
      return {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};
    case OSSL_OP_KDF:
      return {"TLS1-PRF"};
    case OSSL_OP_RAND:
      return {"CTR-DRBG", "SEED-SRC"};
    case OSSL_OP_KEYMGMT:
    case OSSL_OP_DECODER:
      // Without the kind RSA-PSS it takes RSA keys for unable to make such signatures.
      return {"EC", "RSA", "RSA-PSS", "X25519"};
    case OSSL_OP_KEYEXCH:
      return {"ECDH", "X25519"};
    case OSSL_OP_SIGNATURE:
      return {"ECDSA", "RSA"};
    default:
      return {};
  }
}

// Of decoders, RFC 5280 section 4.1: a certificate has its key as SubjectPublicKeyInfo.
bool has_needed_form(int operation, std::string_view properties) {
  return operation != OSSL_OP_DECODER ||
         (properties.find("input=der") != properties.npos &&
          properties.find("structure=SubjectPublicKeyInfo") != properties.npos);
}

/// The default provider, in a context of its own where nobody looks for algorithms.
const OSSL_PROVIDER* whole() {
  static const OSSL_PROVIDER* const provider = OSSL_PROVIDER_load(OSSL_LIB_CTX_new(), "default");
  return provider;
}

std::vector<OSSL_ALGORITHM> choose(int operation) {
  std::vector<OSSL_ALGORITHM> chosen;
  const auto needed = needed_names(operation);
  int no_cache = 0;
  const auto* next = OSSL_PROVIDER_query_operation(whole(), operation, &no_cache);
  for (; next != nullptr && next->algorithm_names != nullptr; ++next) {
    std::string_view name = next->algorithm_names;  // "EC:id-ecPublicKey:1.2.840.10045.2.1"
    name = name.substr(0, name.find(':'));
    if (std::find(needed.begin(), needed.end(), name) != needed.end() &&
        has_needed_form(operation, next->property_definition)) {
      chosen.push_back(*next);
    }
  }
  chosen.push_back({});  // the end
  return chosen;
}

const OSSL_ALGORITHM* query_operation(void*, int operation, int* no_cache) {
  static const auto tables = [] {
    std::vector<std::vector<OSSL_ALGORITHM>> all;
    for (int i = 0; i <= OSSL_OP__HIGHEST; ++i) all.push_back(choose(i));
    return all;
  }();
  *no_cache = 0;
  const auto index = static_cast<std::size_t>(operation);
  return index < tables.size() ? tables[index].data() : nullptr;
}

int get_capabilities(void*, const char* capability, OSSL_CALLBACK* take, void* argument) {
  return OSSL_PROVIDER_get_capabilities(whole(), capability, take, argument);
}

int start_provider(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions,
                   void** context) {
  static const OSSL_DISPATCH kFunctions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(query_operation)},
      {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, reinterpret_cast<void (*)()>(get_capabilities)},
      {0, nullptr}};
  if (whole() == nullptr) return 0;
  *functions = kFunctions;
  *context = OSSL_PROVIDER_get0_provider_ctx(whole());  // what its algorithms expect
  return 1;
}

// From 3.2 on the library keeps the decoders that it has put together (openssl pull request 21426),
// and nothing is known there of which algorithms suffice. A program in FIPS mode has chosen whose
// algorithms it wants: it gets them, and waits longer.
bool is_wanted() {
  static constexpr unsigned long kFirstVersionThatKeepsDecoders = 0x30200000UL;
  return OpenSSL_version_num() < kFirstVersionThatKeepsDecoders &&
         EVP_default_properties_is_fips_enabled(nullptr) == 0;
}

OSSL_LIB_CTX* build_library() {
  if (!is_wanted()) return nullptr;
  OSSL_LIB_CTX* const context = OSSL_LIB_CTX_new();
  if (OSSL_PROVIDER_add_builtin(context, "parley", start_provider) == 1 &&
      OSSL_PROVIDER_load(context, "parley") != nullptr) {
    return context;
  }
  OSSL_LIB_CTX_free(context);
  return nullptr;
}

}  // namespace

OSSL_LIB_CTX* library() {
  static OSSL_LIB_CTX* const context = build_library();
  return context;
}

}  // namespace parley::dtls::openssl
