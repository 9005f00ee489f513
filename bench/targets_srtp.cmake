parley_bench(NAME srtp LINK parley_srtp OpenSSL::Crypto)
