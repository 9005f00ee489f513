parley_fuzz(NAME sdp_description LINK parley_sdp)
parley_fuzz(NAME jsep LINK parley_sdp)
