// The sending end: reads files and keeps the channel full.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "file_transfer/messages.hpp"
#include "file_transfer/sha256.hpp"
#include "file_transfer/transfer.hpp"
#include "parley/data_channel.hpp"
#include "parley/machine.hpp"

namespace file_transfer {

/// Takes over the handlers of `channel`, on the driver's sequence; starts when the channel is open.
class Sending : public std::enable_shared_from_this<Sending> {
 public:
  static std::shared_ptr<Sending> create(parley::Driver& driver, parley::DataChannel channel,
                                         std::filesystem::path root, std::vector<FileEntry> files,
                                         Done done);
  const Progress& progress() const { return progress_; }

 private:
  Sending(parley::Driver& driver, parley::DataChannel channel, std::filesystem::path root,
          std::vector<FileEntry> files, Done done);
  void install_handlers();
  void send_manifest();
  void handle(const Message& message);
  void handle(message::Have have);
  void begin_next();
  void begin(std::uint64_t offset, Sha256 hash);
  void pump();
  bool send_chunk();
  void say(const Message& message);
  void fail(const std::string& reason);
  void finish(const std::string& reason);

  parley::Driver& driver_;
  parley::DataChannel channel_;
  const std::filesystem::path root_;
  const std::vector<FileEntry> files_;
  Done done_;
  Progress progress_;
  std::vector<message::Beginning> have_;
  std::size_t index_ = 0;  ///< the file under way
  std::ifstream file_;
  std::uint64_t left_ = 0;  ///< bytes of it not sent yet
  std::optional<Sha256> hash_;
  std::vector<std::string> unsent_;  ///< texts that the full channel did not take
  bool finished_ = false;
};

}  // namespace file_transfer
