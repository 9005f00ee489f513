parley_fuzz(NAME srtp_unprotect LINK parley_srtp)
