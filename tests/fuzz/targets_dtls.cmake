parley_fuzz(NAME dtls_transport LINK parley_dtls)
parley_fuzz(NAME dtls_fingerprint LINK parley_dtls)
parley_fuzz(NAME dtls_records LINK parley_dtls OpenSSL::Crypto)
