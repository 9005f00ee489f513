parley_bench(NAME sctp LINK parley_sctp)
