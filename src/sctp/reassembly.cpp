#include "sctp/reassembly.hpp"

#include <algorithm>
#include <utility>

#include "parley/base/sequence.hpp"

namespace parley::sctp {

Reassembly::Stream* Reassembly::stream(std::uint16_t id) {
  const auto found = streams_.find(id);
  if (found != streams_.end()) return &found->second;
  if (streams_.size() >= limits_.max_streams) return nullptr;
  return &streams_[id];
}

// The place of the message's number on a line of 64 bits, near where the stream is now.
std::int64_t Reassembly::number_of(const DataChunk& part, const Stream& s) const {
  if (format_ == DataFormat::data) {
    if (part.unordered) return 0;
    return s.next +
           serial_diff(static_cast<std::uint16_t>(part.number), static_cast<std::uint16_t>(s.next));
  }
  const std::int64_t base = part.unordered ? s.next_unordered : s.next;
  return base + serial_diff(part.number, static_cast<std::uint32_t>(base));
}

Reassembly::Outcome Reassembly::take(const DataChunk& part, std::int64_t tsn, Ring<Message>& out) {
  Stream* const s = stream(part.stream);
  if (s == nullptr) return Outcome::no_stream;
  const std::int64_t number = number_of(part, *s);
  if (!part.unordered && number < s->next) return Outcome::old;
  if (part.unordered && format_ == DataFormat::i_data) {
    if (number < s->unordered_floor) return Outcome::old;
    s->next_unordered = std::max(s->next_unordered, number + 1);
  }
  if (part.payload.size() > limits_.max_message) return Outcome::too_long;

  const Key key = format_ == DataFormat::data
                      ? Key{0, 0, tsn}
                      : Key{lane(part.stream, part.unordered), number, part.fragment};
  const Key next{std::get<0>(key), std::get<1>(key), std::get<2>(key) + 1};
  if (part.begin) {
    Unfinished message{spares_.take(), part.stream, part.unordered, number, part.ppid};
    append(message, part.payload);
    if (part.end) return complete(std::move(message), out), Outcome::taken;
    return adopt(next, std::move(message), out);
  }
  const auto found = unfinished_messages_.find(key);
  if (found == unfinished_messages_.end()) {
    Orphan orphan{spares_.take(), part.stream, part.unordered, part.begin,
                  part.end,       number,      part.ppid};
    orphan.data.assign(part.payload.begin(), part.payload.end());
    held_ += orphan.data.size() + kOverhead;
    unfinished_ += orphan.data.size() + kOverhead;
    // The same part of the same message under another TSN: only a broken peer sends that.
    if (!spare_orphans_.insert(orphans_, key, std::move(orphan))) {
      held_ -= part.payload.size() + kOverhead;
      unfinished_ -= part.payload.size() + kOverhead;
      return Outcome::old;
    }
    return Outcome::taken;
  }
  Unfinished& message = found->second;
  if (message.stream != part.stream || message.unordered != part.unordered) return Outcome::old;
  if (!append(message, part.payload)) return Outcome::too_long;
  // The node is taken out and put back under its new key: no allocation for each part.
  auto node = unfinished_messages_.extract(found);
  held_ -= kOverhead;
  unfinished_ -= kOverhead;
  if (part.end) {
    complete(std::move(node.mapped()), out);
    spare_unfinished_.give(std::move(node));
    return Outcome::taken;
  }
  if (orphans_.empty()) {
    held_ += kOverhead;
    unfinished_ += kOverhead;
    node.key() = next;
    unfinished_messages_.insert(std::move(node));
    return Outcome::taken;
  }
  Unfinished rest = std::move(node.mapped());
  spare_unfinished_.give(std::move(node));
  return adopt(next, std::move(rest), out);
}

bool Reassembly::append(Unfinished& message, Bytes payload) {
  if (message.size + payload.size() > limits_.max_message) return false;
  if (message.data.size() + payload.size() > limits_.piece && !message.data.empty()) {
    message.pieces.push_back(std::move(message.data));
    message.data = {};
    message.data.reserve(limits_.piece);
  }
  message.data.insert(message.data.end(), payload.begin(), payload.end());
  message.size += payload.size();
  held_ += payload.size();
  unfinished_ += payload.size();
  return true;
}

// Each piece is freed as soon as it was copied, and memory that was only reserved is not there yet:
// a long message is never held twice.
std::vector<std::uint8_t> Reassembly::join(Unfinished&& message) {
  if (message.pieces.empty()) return std::move(message.data);
  std::vector<std::uint8_t> whole;
  whole.reserve(message.size);
  for (auto& piece : message.pieces) {
    whole.insert(whole.end(), piece.begin(), piece.end());
    std::vector<std::uint8_t>{}.swap(piece);
  }
  whole.insert(whole.end(), message.data.begin(), message.data.end());
  return whole;
}

// Appends the orphans that follow, then finishes the message or lets it wait under the key of the
// part that is missing.
Reassembly::Outcome Reassembly::adopt(Key next, Unfinished message, Ring<Message>& out) {
  auto at = orphans_.find(next);
  while (at != orphans_.end()) {
    Orphan& orphan = at->second;
    if (orphan.stream != message.stream || orphan.begin || orphan.unordered != message.unordered) {
      break;
    }
    const bool end = orphan.end;
    const bool fits = append(message, orphan.data);
    drop_orphans(at, std::next(at));
    if (!fits) return Outcome::too_long;
    if (end) return complete(std::move(message), out), Outcome::taken;
    ++std::get<2>(next);
    at = orphans_.find(next);
  }
  // Two first parts with one number: only a broken peer sends that, and the later one stands.
  if (const auto same = unfinished_messages_.find(next); same != unfinished_messages_.end()) {
    drop_unfinished(same);
  }
  held_ += kOverhead;
  unfinished_ += kOverhead;
  spare_unfinished_.insert(unfinished_messages_, next, std::move(message));
  return Outcome::taken;
}

void Reassembly::complete(Unfinished&& message, Ring<Message>& out) {
  const std::size_t size = message.size;
  unfinished_ -= size;
  if (message.unordered) {
    held_ -= size;
    out.push_back({StreamId{message.stream}, message.ppid, join(std::move(message))});
    return;
  }
  Stream* const s = stream(message.stream);
  if (s == nullptr || message.number < s->next) {
    held_ -= size;
    return;
  }
  if (message.number > s->next) {
    held_ += kOverhead;
    Waiting whole{message.ppid, join(std::move(message))};
    if (!spare_waiting_.insert(s->waiting, message.number, std::move(whole))) {
      held_ -= size + kOverhead;
    }
    return;
  }
  held_ -= size;
  out.push_back({StreamId{message.stream}, message.ppid, join(std::move(message))});
  ++s->next;
  deliver_ready(message.stream, *s, out);
}

void Reassembly::deliver_ready(std::uint16_t id, Stream& s, Ring<Message>& out) {
  while (!s.waiting.empty() && s.waiting.begin()->first == s.next) {
    Waiting& w = s.waiting.begin()->second;
    held_ -= w.data.size() + kOverhead;
    out.push_back({StreamId{id}, w.ppid, std::move(w.data)});
    spare_waiting_.erase(s.waiting, s.waiting.begin());
    ++s.next;
  }
}

void Reassembly::drop_orphans(std::map<Key, Orphan>::iterator first,
                              std::map<Key, Orphan>::iterator last) {
  while (first != last) {
    std::vector<std::uint8_t>& data = first->second.data;
    held_ -= data.size() + kOverhead;
    unfinished_ -= data.size() + kOverhead;
    spares_.give(std::move(data));
    spare_orphans_.erase(orphans_, first++);
  }
}

void Reassembly::drop_unfinished(std::map<Key, Unfinished>::iterator at) {
  held_ -= at->second.size + kOverhead;
  unfinished_ -= at->second.size + kOverhead;
  spares_.give(std::move(at->second.data));
  spare_unfinished_.erase(unfinished_messages_, at);
}

// I-DATA: everything of the stream up to message `number`.
void Reassembly::skip_messages(std::uint16_t id, bool unordered, std::int64_t number) {
  const Key first{lane(id, unordered), INT64_MIN, 0};
  const Key last{lane(id, unordered), number + 1, INT64_MIN};
  drop_orphans(orphans_.lower_bound(first), orphans_.lower_bound(last));
  auto at = unfinished_messages_.lower_bound(first);
  while (at != unfinished_messages_.end() && at->first < last) drop_unfinished(at++);
}

void Reassembly::skip(const ForwardTsnChunk& skipped, std::int64_t cumulative, Ring<Message>& out) {
  if (format_ == DataFormat::data) {
    // Parts up to the new cumulative TSN belong to abandoned messages: had they been whole, they
    // would be gone. A message that waits for a later part is abandoned too when its parts so far
    // end within what is skipped.
    drop_orphans(orphans_.begin(), orphans_.upper_bound(Key{0, 0, cumulative}));
    auto at = unfinished_messages_.begin();
    while (at != unfinished_messages_.end() && at->first <= Key{0, 0, cumulative}) {
      drop_unfinished(at++);
    }
  }
  for (std::size_t i = 0; i < skipped.count(); ++i) {
    const SkippedMessage m = skipped.skipped(i);
    Stream* const s = stream(m.stream);
    if (s == nullptr) continue;
    DataChunk as_part;
    as_part.unordered = m.unordered;
    as_part.number = m.number;
    const std::int64_t number = number_of(as_part, *s);
    if (format_ == DataFormat::i_data) skip_messages(m.stream, m.unordered, number);
    if (m.unordered) {
      // Messages of a stream are sent one after another, so nothing older is under way; late parts
      // of the skipped one itself may be.
      s->unordered_floor = std::max(s->unordered_floor, number + 1);
      s->next_unordered = std::max(s->next_unordered, number + 1);
      continue;
    }
    if (number < s->next) continue;
    // Whole messages before it are delivered: they came, whatever was abandoned around them.
    while (!s->waiting.empty() && s->waiting.begin()->first <= number) {
      s->next = s->waiting.begin()->first;
      deliver_ready(m.stream, *s, out);
    }
    s->next = std::max(s->next, number + 1);
    deliver_ready(m.stream, *s, out);
  }
}

void Reassembly::reset(std::uint16_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  for (const auto& [number, w] : found->second.waiting) held_ -= w.data.size() + kOverhead;
  if (format_ == DataFormat::i_data) {
    skip_messages(id, false, INT64_MAX - 1);
    skip_messages(id, true, INT64_MAX - 1);
  }
  streams_.erase(found);
}

void Reassembly::reset_all() {
  while (!streams_.empty()) reset(streams_.begin()->first);
}

}  // namespace parley::sctp
