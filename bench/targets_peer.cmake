parley_bench(NAME session LINK parley_peer parley_sim)
