parley_bench(NAME rtp LINK parley_rtp)
parley_bench(NAME rtp_stream LINK parley_rtp)
