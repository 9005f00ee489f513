// What both halves of SendStream do with a packet they have just written.
#pragma once

#include "parley/rtp/send_stream.hpp"

namespace parley::rtp {

inline void count_packet(SendStats& stats, Bytes packet) {
  const auto view = PacketView::parse(packet);
  if (!view) return;
  ++stats.packets_sent;
  stats.bytes_sent += view->payload_size();
  stats.header_bytes_sent += view->header_size() + view->padding_size();
}

/// True when the transport-wide sequence number is in `packet`.
inline bool consumed(Bytes packet, const ExtensionMap& map) {
  const auto id = map.id(Extension::transport_sequence_number);
  const auto view = PacketView::parse(packet);
  return id && view && view->extension(*id).has_value();
}

}  // namespace parley::rtp
