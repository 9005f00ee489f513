parley_fuzz(NAME session LINK parley_peer)
parley_fuzz(NAME data_plane LINK parley_peer)
parley_fuzz(NAME media_plane LINK parley_peer)
parley_fuzz(NAME shared_port LINK parley_peer parley_sim)
