parley_bench(NAME io LINK parley_io parley_sim parley_asio)
