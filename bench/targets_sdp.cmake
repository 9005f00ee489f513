parley_bench(NAME sdp LINK parley_sdp)
