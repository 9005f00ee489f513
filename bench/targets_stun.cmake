parley_bench(NAME stun LINK parley_stun parley_ice)
