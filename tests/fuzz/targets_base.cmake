parley_fuzz(NAME base_address LINK parley_base)
