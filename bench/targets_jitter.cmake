parley_bench(NAME jitter LINK parley_jitter parley_codec)
