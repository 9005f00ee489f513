parley_fuzz(NAME cc_controller LINK parley_cc)
