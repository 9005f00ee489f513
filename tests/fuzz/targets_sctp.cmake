parley_fuzz(NAME sctp_packet LINK parley_sctp)
parley_fuzz(NAME sctp_association LINK parley_sctp)
