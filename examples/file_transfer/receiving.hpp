// The receiving end: writes files beside their final name, checks them, puts them in place.
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

/// Takes over the handlers of `channel`, on the driver's sequence. A file under way lies beside its
/// place with ".part" behind its name, where a later try finds it; it gets its name when its hash
/// is right. A file of that name that was there before is replaced.
class Receiving : public std::enable_shared_from_this<Receiving> {
 public:
  static std::shared_ptr<Receiving> create(parley::Driver& driver, parley::DataChannel channel,
                                           std::filesystem::path folder, Done done);
  const Progress& progress() const { return progress_; }

 private:
  struct File {
    FileEntry entry;
    std::filesystem::path target;
    std::filesystem::path part;
    message::Beginning have;
    std::optional<Sha256> hash;  ///< of what is there
  };
  Receiving(parley::Driver& driver, parley::DataChannel channel, std::filesystem::path folder,
            Done done);
  void install_handlers();
  void handle(const Message& message);
  void handle(const message::Manifest& manifest);
  void handle(const message::Begin& begin);
  void handle(const message::End& end);
  void look_for_beginnings();
  void say_what_is_there();
  void write(parley::Bytes bytes);
  void say(const Message& message);
  void fail(const std::string& reason);
  void finish(const std::string& reason);

  parley::Driver& driver_;
  parley::DataChannel channel_;
  const std::filesystem::path folder_;
  Done done_;
  Progress progress_;
  std::vector<File> files_;
  bool manifest_complete_ = false;
  bool looking_ = false;   ///< a worker reads what is there: `files_` is its own
  std::size_t index_ = 0;  ///< the file under way, or the next
  std::ofstream out_;
  std::uint64_t written_ = 0;
  bool finished_ = false;
};

}  // namespace file_transfer
