// What the two ends say to each other on the data channel. Text messages are these, as JSON; binary
// messages are the bytes of the file that was begun last.
//
//   sender                               receiver
//   manifest (one or more)          ->
//                                   <-   have (one or more): what lies there from an earlier try
//   begin, bytes..., end            ->   for each file, in order
//                                   <-   verified
//   either side: failed
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "file_transfer/manifest.hpp"

namespace file_transfer {

inline constexpr std::string_view kChannelLabel = "file-transfer";
/// Subprotocol of the channel: its last number changes with this file.
inline constexpr std::string_view kChannelProtocol = "parley.file-transfer.1";

namespace message {

struct Manifest {
  std::vector<FileEntry> files;
  bool more = false;  ///< another one follows
};
/// The first `size` bytes of a file, which are there already if the hash is the sender's too.
struct Beginning {
  std::uint64_t size = 0;
  std::string sha256;
};
struct Have {
  std::vector<Beginning> files;  ///< in the order of the manifest
  bool more = false;
};
struct Begin {
  std::uint64_t index = 0;   ///< in the manifest
  std::uint64_t offset = 0;  ///< of the first byte that follows
};
struct End {
  std::uint64_t index = 0;
  std::string sha256;  ///< of the whole file
};
struct Verified {
  std::uint64_t index = 0;
};
struct Failed {
  std::string reason;
};

}  // namespace message

using Message = std::variant<message::Manifest, message::Have, message::Begin, message::End,
                             message::Verified, message::Failed>;

std::string to_json(const Message& message);
/// nullopt for anything that is none of them.
std::optional<Message> parse_message(std::string_view text);

/// Files per manifest and per answer: both stay far below 64 KiB, which every peer takes.
inline constexpr std::size_t kFilesPerMessage = 32;

}  // namespace file_transfer
