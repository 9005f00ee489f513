parley_fuzz(NAME codec_decode LINK parley_codec)
