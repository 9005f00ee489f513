#include "file_transfer/sending.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace file_transfer {

using parley::Errc;
using parley::MessageKind;

namespace {
/// What waits in the channel: enough for 1 Gbit/s at 60 ms.
constexpr std::size_t kKeepBuffered = 8 * 1024 * 1024;
constexpr std::size_t kChunk = 64 * 1024;
}  // namespace

std::shared_ptr<Sending> Sending::create(parley::Driver& driver, parley::DataChannel channel,
                                         std::filesystem::path root, std::vector<FileEntry> files,
                                         Done done) {
  std::shared_ptr<Sending> self{
      new Sending{driver, std::move(channel), std::move(root), std::move(files), std::move(done)}};
  self->install_handlers();
  return self;
}

Sending::Sending(parley::Driver& driver, parley::DataChannel channel, std::filesystem::path root,
                 std::vector<FileEntry> files, Done done)
    : driver_(driver),
      channel_(std::move(channel)),
      root_(std::move(root)),
      files_(std::move(files)),
      done_(std::move(done)) {
  progress_.files = files_.size();
  for (const FileEntry& file : files_) progress_.bytes += file.size;
}

void Sending::install_handlers() {
  const auto weak = weak_from_this();
  const auto locked = [weak](auto call) {
    return [weak, call] {
      if (const auto self = weak.lock()) call(*self);
    };
  };
  channel_.set_buffered_amount_low_threshold(kKeepBuffered / 2);
  channel_.on_open(locked([](Sending& self) { self.send_manifest(); }));
  channel_.on_buffered_amount_low(locked([](Sending& self) { self.pump(); }));
  channel_.on_writable(locked([](Sending& self) { self.pump(); }));
  channel_.on_message([weak](parley::DataMessage& data) {
    const auto self = weak.lock();
    if (!self || self->finished_) return;
    const auto message = data.is_text() ? parse_message(data.text()) : std::nullopt;
    if (!message) return self->fail("the receiver said something that is not of the protocol");
    self->handle(*message);
  });
  channel_.on_close([weak](std::string_view reason) {
    if (const auto self = weak.lock()) {
      self->finish("the connection ended" + (reason.empty() ? "" : ": " + std::string(reason)));
    }
  });
}

void Sending::send_manifest() {
  for (std::size_t at = 0; at < files_.size(); at += kFilesPerMessage) {
    const std::size_t end = std::min(at + kFilesPerMessage, files_.size());
    say(message::Manifest{{files_.begin() + static_cast<std::ptrdiff_t>(at),
                           files_.begin() + static_cast<std::ptrdiff_t>(end)},
                          end < files_.size()});
  }
  if (files_.empty()) finish("there is nothing to send");
}

void Sending::handle(const Message& message) {
  if (const auto* have = std::get_if<message::Have>(&message)) {
    handle(*have);
  } else if (const auto* verified = std::get_if<message::Verified>(&message)) {
    if (verified->index != progress_.files_done) return fail("the receiver lost its place");
    if (++progress_.files_done == files_.size()) finish({});
  } else if (const auto* failed = std::get_if<message::Failed>(&message)) {
    finish("the receiver: " + failed->reason);
  }
}

void Sending::handle(message::Have have) {
  if (have_.size() == files_.size()) return;
  std::move(have.files.begin(), have.files.end(), std::back_inserter(have_));
  if (have_.size() > files_.size()) return fail("the receiver knows files that were not offered");
  if (have_.size() == files_.size()) begin_next();
}

// What the receiver has counts only if it is the beginning of this very file. Reading it may take
// seconds, which the network does not wait for.
void Sending::begin_next() {
  if (index_ == files_.size()) return;
  const message::Beginning there = have_[index_];
  const std::uint64_t size = there.size <= files_[index_].size ? there.size : 0;
  if (size == 0) return begin(0, Sha256{});
  auto hash = std::make_shared<std::optional<Sha256>>();
  driver_.offload(
      this,
      [hash, path = source_of(root_, files_[index_]), size] { *hash = hash_beginning(path, size); },
      [self = shared_from_this(), hash, size, expected = there.sha256] {
        if (self->finished_) return;
        const bool same = hash->has_value() && (*hash)->hex() == expected;
        same ? self->begin(size, std::move(**hash)) : self->begin(0, Sha256{});
      });
}

void Sending::begin(std::uint64_t offset, Sha256 hash) {
  const FileEntry& entry = files_[index_];
  file_ = std::ifstream(source_of(root_, entry), std::ios::binary);
  if (!file_ || !file_.seekg(static_cast<std::streamoff>(offset))) {
    return fail("cannot read " + entry.path);
  }
  progress_.current = entry.path;
  progress_.bytes_done += offset;
  progress_.bytes_kept += offset;
  left_ = entry.size - offset;
  hash_ = std::move(hash);
  say(message::Begin{index_, offset});
  pump();
}

void Sending::pump() {
  while (!finished_ && !unsent_.empty()) {
    if (!channel_.send(unsent_.front())) return;  // on_writable comes back here
    unsent_.erase(unsent_.begin());
  }
  while (!finished_ && hash_ && channel_.buffered_amount() < kKeepBuffered) {
    if (left_ > 0) {
      if (!send_chunk()) return;
      continue;
    }
    say(message::End{index_, hash_->hex()});
    hash_.reset();
    ++index_;
    begin_next();
  }
}

bool Sending::send_chunk() {
  std::vector<std::uint8_t> chunk(static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, left_)));
  const auto size = static_cast<std::streamsize>(chunk.size());
  const auto here = file_.tellg();
  if (!file_.read(reinterpret_cast<char*>(chunk.data()), size)) {
    fail(files_[index_].path + " became shorter while it was sent");
    return false;
  }
  const auto count = chunk.size();
  if (const auto sent = channel_.send(parley::Bytes{chunk}); !sent) {
    if (sent.error().code != Errc::queue_full) fail(sent.error().to_string());
    file_.seekg(here);
    return false;
  }
  hash_->update(chunk);
  left_ -= count;
  progress_.bytes_done += count;
  return true;
}

void Sending::say(const Message& message) {
  std::string text = to_json(message);
  if (!unsent_.empty() || !channel_.send(text)) unsent_.push_back(std::move(text));
}

void Sending::fail(const std::string& reason) {
  if (finished_) return;
  say(message::Failed{reason});
  finish(reason);
}

void Sending::finish(const std::string& reason) {
  if (std::exchange(finished_, true)) return;
  file_.close();
  if (const auto done = std::exchange(done_, nullptr)) done(reason);
}

}  // namespace file_transfer
