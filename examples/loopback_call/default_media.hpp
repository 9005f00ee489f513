// Where the media come from when the command line names none.
#pragma once

#include <filesystem>

namespace loopback_call {

/// The folder with `speech.wav` and `footage.y4m`: `wanted` when it is not empty, else the one of
/// the source tree, which prepare_media.sh fills on first use. What cannot be prepared is missing
/// from it (the script says why on standard error).
std::filesystem::path prepare_default_media(const std::filesystem::path& wanted);

}  // namespace loopback_call
