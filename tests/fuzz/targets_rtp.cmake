parley_fuzz(NAME opus_packet LINK parley_rtp)
parley_fuzz(NAME rtcp_compound LINK parley_rtp)
parley_fuzz(NAME rtp_packet LINK parley_rtp)
parley_fuzz(NAME vp8_payload LINK parley_rtp)
