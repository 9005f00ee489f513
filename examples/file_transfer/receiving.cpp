#include "file_transfer/receiving.hpp"

#include <algorithm>
#include <utility>

namespace file_transfer {

namespace fs = std::filesystem;

std::shared_ptr<Receiving> Receiving::create(parley::Driver& driver, parley::DataChannel channel,
                                             fs::path folder, Done done) {
  std::shared_ptr<Receiving> self{
      new Receiving{driver, std::move(channel), std::move(folder), std::move(done)}};
  self->install_handlers();
  return self;
}

Receiving::Receiving(parley::Driver& driver, parley::DataChannel channel, fs::path folder,
                     Done done)
    : driver_(driver),
      channel_(std::move(channel)),
      folder_(std::move(folder)),
      done_(std::move(done)) {}

void Receiving::install_handlers() {
  const auto weak = weak_from_this();
  channel_.on_message([weak](parley::DataMessage& data) {
    const auto self = weak.lock();
    if (!self || self->finished_) return;
    if (!data.is_text()) return self->write(data.data);
    const auto message = parse_message(data.text());
    if (!message) return self->fail("the sender said something that is not of the protocol");
    self->handle(*message);
  });
  channel_.on_close([weak](std::string_view reason) {
    if (const auto self = weak.lock()) {
      self->finish("the connection ended" + (reason.empty() ? "" : ": " + std::string(reason)));
    }
  });
}

void Receiving::handle(const Message& message) {
  if (const auto* manifest = std::get_if<message::Manifest>(&message)) {
    handle(*manifest);
  } else if (const auto* begin = std::get_if<message::Begin>(&message)) {
    handle(*begin);
  } else if (const auto* end = std::get_if<message::End>(&message)) {
    handle(*end);
  } else if (const auto* failed = std::get_if<message::Failed>(&message)) {
    finish("the sender: " + failed->reason);
  }
}

void Receiving::handle(const message::Manifest& manifest) {
  if (manifest_complete_) return fail("a second manifest");
  for (const FileEntry& entry : manifest.files) {
    const auto target = target_of(folder_, entry.path);
    if (!target) return fail(target.error().to_string());
    if (files_.size() == kMostFiles) return fail("more than 100000 files");
    fs::path part = *target;
    part += ".part";
    files_.push_back({entry, *target, std::move(part), {}, {}});
    progress_.bytes += entry.size;
  }
  progress_.files = files_.size();
  if (manifest.more) return;
  manifest_complete_ = true;
  look_for_beginnings();
}

// A finished file from an earlier try counts as its own beginning. Hashing gigabytes takes seconds,
// which the network does not wait for.
void Receiving::look_for_beginnings() {
  looking_ = true;
  driver_.offload(
      this,
      [self = shared_from_this()] {
        for (File& file : self->files_) {
          std::error_code none;
          const bool finished = fs::is_regular_file(file.target, none) &&
                                fs::file_size(file.target, none) == file.entry.size;
          const fs::path& there = finished ? file.target : file.part;
          const auto size = fs::file_size(there, none);
          if (none || size > file.entry.size) continue;
          file.hash = hash_beginning(there, size);
          if (file.hash) file.have = {size, file.hash->hex()};
        }
      },
      [self = shared_from_this()] { self->say_what_is_there(); });
}

void Receiving::say_what_is_there() {
  looking_ = false;
  if (finished_) return;
  for (std::size_t at = 0; at < files_.size(); at += kFilesPerMessage) {
    message::Have have;
    const std::size_t end = std::min(at + kFilesPerMessage, files_.size());
    for (std::size_t i = at; i < end; ++i) have.files.push_back(files_[i].have);
    have.more = end < files_.size();
    say(have);
  }
}

void Receiving::handle(const message::Begin& begin) {
  if (looking_ || begin.index != index_ || index_ >= files_.size() || out_.is_open()) {
    return fail("the sender lost its place");
  }
  File& file = files_[index_];
  if (begin.offset != 0 && begin.offset != file.have.size) return fail("no such beginning");
  progress_.current = file.entry.path;
  std::error_code failure;
  fs::create_directories(file.part.parent_path(), failure);
  if (begin.offset == 0) {
    file.hash = Sha256{};
    out_.open(file.part, std::ios::binary | std::ios::trunc);
  } else {
    // A finished file goes through the same gate again: its hash is compared at the end.
    if (!fs::exists(file.part, failure)) fs::rename(file.target, file.part, failure);
    out_.open(file.part, std::ios::binary | std::ios::app);
  }
  if (!out_) return fail("cannot write " + file.part.string());
  written_ = begin.offset;
  progress_.bytes_done += begin.offset;
  progress_.bytes_kept += begin.offset;
}

void Receiving::write(parley::Bytes bytes) {
  if (!out_.is_open()) return fail("bytes of no file");
  File& file = files_[index_];
  if (bytes.size() > file.entry.size - written_)
    return fail(file.entry.path + " is longer than said");
  if (!out_.write(reinterpret_cast<const char*>(bytes.data()),
                  static_cast<std::streamsize>(bytes.size()))) {
    return fail("cannot write " + file.part.string());
  }
  file.hash->update(bytes);
  written_ += bytes.size();
  progress_.bytes_done += bytes.size();
}

void Receiving::handle(const message::End& end) {
  if (end.index != index_ || !out_.is_open()) return fail("the sender lost its place");
  File& file = files_[index_];
  out_.close();
  if (!out_) return fail("cannot write " + file.part.string());
  if (written_ != file.entry.size || file.hash->hex() != end.sha256) {
    std::error_code ignored;
    fs::remove(file.part, ignored);
    return fail(file.entry.path + " arrived with a wrong hash");
  }
  std::error_code failure;
  fs::rename(file.part, file.target, failure);
  if (failure) return fail("cannot name " + file.target.string() + ": " + failure.message());
  say(message::Verified{index_});
  ++index_;
  if (++progress_.files_done == files_.size()) finish({});
}

void Receiving::say(const Message& message) {
  // These few bytes always fit: the receiver sends nothing else.
  if (auto sent = channel_.send(to_json(message)); !sent) finish(sent.error().to_string());
}

void Receiving::fail(const std::string& reason) {
  if (finished_) return;
  say(message::Failed{reason});
  finish(reason);
}

void Receiving::finish(const std::string& reason) {
  if (std::exchange(finished_, true)) return;
  out_.close();
  if (const auto done = std::exchange(done_, nullptr)) done(reason);
}

}  // namespace file_transfer
