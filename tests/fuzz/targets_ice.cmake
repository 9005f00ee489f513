parley_fuzz(NAME stun_message LINK parley_stun)
parley_fuzz(NAME ice_candidate LINK parley_ice)
parley_fuzz(NAME ice_agent LINK parley_ice)
