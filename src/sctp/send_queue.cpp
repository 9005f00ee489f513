#include "sctp/send_queue.hpp"

#include <algorithm>
#include <utility>

namespace parley::sctp {
namespace {

// What each part costs in the account of its stream besides its bytes, so that many small messages
// do not pass for free.
constexpr std::uint64_t kPartCost = 20;
// Virtual time of one byte at weight 1.
constexpr std::uint64_t kUnit = 1024;

}  // namespace

bool SendQueue::later(const Turn& a, const Turn& b) {
  return a.finish != b.finish ? a.finish > b.finish : a.stream->id > b.stream->id;
}

OutgoingStream& SendQueue::stream(std::uint16_t id) {
  const auto [at, fresh] = streams_.try_emplace(id);
  if (fresh) at->second.id = id;
  return at->second;
}

const OutgoingStream* SendQueue::find(std::uint16_t id) const {
  const auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : &at->second;
}

OutgoingStream* SendQueue::find(std::uint16_t id) {
  const auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : &at->second;
}

void SendQueue::erase(std::uint16_t id) {
  const OutgoingStream* const s = find(id);
  if (s == nullptr) return;
  if (s->unorder_when_heard) --to_unorder_;
  streams_.erase(id);
}

void SendQueue::schedule(OutgoingStream& s) {
  s.scheduled = true;
  heap_.push_back({s.finish, &s});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

void SendQueue::push(MessageIndex index) {
  OutgoingMessage& m = pool_[index];
  OutgoingStream& s = stream(m.stream);
  m.queued = true;
  m.next = kNoMessage;
  if (s.head == kNoMessage) {
    s.head = index;
  } else {
    pool_[s.tail].next = index;
  }
  s.tail = index;
  if (!m.control) s.buffered += m.data.size();
  bytes_ += m.data.size();
  ++s.messages_kept;
  if (s.scheduled) return;
  // A stream that was silent gets its turn now but no credit for the past.
  s.finish = std::max(s.finish, virtual_time_);
  schedule(s);
}

MessageIndex SendQueue::peek() {
  if (current_ == nullptr) {
    if (heap_.empty()) return kNoMessage;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    current_ = heap_.back().stream;
    heap_.pop_back();
    virtual_time_ = current_->finish;
  }
  return current_->head;
}

Part SendQueue::take(std::size_t most) {
  OutgoingStream& s = *current_;
  OutgoingMessage& m = pool_[s.head];
  Part part;
  part.message = s.head;
  part.offset = m.sent;
  part.size = std::min(most, m.data.size() - m.sent);
  part.begin = m.sent == 0;
  part.end = m.sent + part.size == m.data.size();
  if (part.begin) m.number = m.unordered ? s.next_unordered++ : s.next_ordered++;
  part.fragment = m.fragment++;
  m.sent += part.size;
  lower(s, m, part.size);
  s.finish += (part.size + kPartCost) * kUnit / std::max<std::uint16_t>(s.weight, 1);
  if (part.end) unlink_head(s);
  if (part.end || interleaving_) {
    current_ = nullptr;
    s.scheduled = false;
    if (s.head != kNoMessage) schedule(s);
  }
  return part;
}

void SendQueue::lower(OutgoingStream& s, const OutgoingMessage& m, std::size_t bytes) {
  bytes_ -= bytes;
  if (m.control) return;
  const bool was_above = s.buffered > s.low_threshold;
  s.buffered -= bytes;
  if (was_above && s.buffered <= s.low_threshold) low_.push_back(s.id);
}

void SendQueue::unlink_head(OutgoingStream& s) {
  OutgoingMessage& m = pool_[s.head];
  m.queued = false;
  s.head = m.next;
  m.next = kNoMessage;
  if (s.head == kNoMessage) s.tail = kNoMessage;
}

void SendQueue::remove(MessageIndex index) {
  OutgoingMessage& m = pool_[index];
  if (!m.queued) return;
  OutgoingStream& s = stream(m.stream);
  const std::size_t rest = m.data.size() - m.sent;
  lower(s, m, rest);
  if (s.head == index) {
    unlink_head(s);
  } else {
    MessageIndex before = s.head;
    while (pool_[before].next != index) before = pool_[before].next;
    pool_[before].next = m.next;
    if (s.tail == index) s.tail = before;
    m.next = kNoMessage;
    m.queued = false;
  }
  if (current_ == &s && (s.head == kNoMessage || m.sent > 0)) {
    // The message that had the turn is gone: choose anew.
    current_ = nullptr;
    s.scheduled = false;
    if (s.head != kNoMessage) schedule(s);
  } else if (s.head == kNoMessage && s.scheduled) {
    const auto at =
        std::find_if(heap_.begin(), heap_.end(), [&s](const Turn& t) { return t.stream == &s; });
    if (at != heap_.end()) heap_.erase(at);
    std::make_heap(heap_.begin(), heap_.end(), later);
    s.scheduled = false;
  }
}

void SendQueue::unorder_when_heard(std::uint16_t id) {
  if (!std::exchange(stream(id).unorder_when_heard, true)) ++to_unorder_;
}

void SendQueue::note_heard(std::uint16_t id) {
  if (to_unorder_ == 0) return;
  OutgoingStream* const s = find(id);
  if (s == nullptr || !std::exchange(s->unorder_when_heard, false)) return;
  --to_unorder_;
  for (MessageIndex at = s->head; at != kNoMessage; at = pool_[at].next) {
    OutgoingMessage& m = pool_[at];
    if (m.sent == 0 && !m.control) m.unordered = true;
  }
}

}  // namespace parley::sctp
