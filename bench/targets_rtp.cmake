parley_bench(NAME rtp LINK parley_rtp)
