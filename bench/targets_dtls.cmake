parley_bench(NAME dtls LINK parley_dtls)
