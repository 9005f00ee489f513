parley_fuzz(NAME audio_buffer LINK parley_jitter parley_codec)
parley_fuzz(NAME frame_assembler LINK parley_jitter)
