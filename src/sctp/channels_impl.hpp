// The table of data channels and what happens to them. Each source beside it holds one topic.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parley/sctp/channels.hpp"
#include "sctp/dcep.hpp"
#include "sctp/ring.hpp"

namespace parley::sctp {

inline constexpr std::uint16_t kMaxId = 65'534;

struct Channel {
  ChannelOptions options;
  std::optional<StreamId> id;
  ChannelState state = ChannelState::connecting;
  bool acknowledged = false;    // the peer knows the channel: order is no longer needed
  bool reset_asked = false;     // of what we send
  bool outgoing_reset = false;  // done
  bool incoming_reset = false;  // done
  bool refused = false;         // a send, for want of room
  std::string_view failure;     // static text; empty: none
  std::size_t low_threshold = 0;
  bool paused = false;
  std::deque<ChannelMessage> kept;    // while paused; the association counts them to its window
  std::vector<std::uint8_t> partial;  // of the deprecated partial PPIDs
  std::uint64_t messages_sent = 0, messages_received = 0;
  std::uint64_t bytes_sent = 0, bytes_received = 0;
};

struct Channels::Impl {
  Impl(Association& a, const ChannelsConfig& c)
      : association(a), config(c), next_handle(c.first_handle) {}

  Channel* find(ChannelHandle handle) {
    const auto at = channels.find(handle.value());
    return at == channels.end() ? nullptr : &at->second;
  }
  ChannelHandle add(Channel channel);
  bool give_id(ChannelHandle handle, Channel& channel);
  void start(Timestamp now, ChannelHandle handle, Channel& channel);
  void try_start_all(Timestamp now);
  void begin_close(Timestamp now, ChannelHandle handle, Channel& channel);
  void finish_if_reset(ChannelHandle handle, Channel& channel);
  void remove(ChannelHandle handle, std::string reason);
  void bury(ChannelHandle handle, std::string reason);
  /// Checks a message, and says how it goes out.
  Result<Channel*> check(ChannelHandle handle, std::size_t size);
  SendOptions options_of(const Channel& channel) const;
  Result<void> note_sent(Channel& channel, std::size_t size, Result<void> sent);

  void handle(Timestamp now, Event& event);
  void handle_message(Timestamp now, Message& message);
  void handle_dcep(Timestamp now, const Message& message);
  void handle_open(Timestamp now, StreamId id, const DcepOpen& open);
  void handle_user(Timestamp now, Message& message);
  void refuse(Timestamp now, StreamId id, std::string_view why);
  void tell_send_available();
  bool keep_if_paused(ChannelEvent& event);
  void resume(ChannelHandle handle, Channel& channel);
  std::optional<ChannelEvent> poll_kept();
  void end(const Closed& closed);

  Association& association;
  ChannelsConfig config;
  std::optional<DtlsRole> role;
  bool started = false;  // the association takes what is sent
  bool ended = false;
  std::uint32_t next_handle;
  std::map<std::uint32_t, Channel> channels;
  std::map<std::uint32_t, Channel> gone;  // closed, and their owner not yet told
  std::unordered_map<std::uint16_t, ChannelHandle> by_id;
  std::optional<ChannelHandle> told_last;  // of them, with the event polled last
  Ring<ChannelEvent> events;
  std::deque<ChannelHandle> resumed;  // have messages that were kept, older than `events`
};

}  // namespace parley::sctp
