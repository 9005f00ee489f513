parley_fuzz(NAME sim_link LINK parley_sim)
