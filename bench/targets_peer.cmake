parley_bench(NAME session LINK parley_peer parley_sim)
parley_bench(NAME session_data LINK parley_peer)
