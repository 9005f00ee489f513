#include "sctp/reconfig_chunk.hpp"

namespace parley::sctp {

std::optional<OutgoingResetRequest> OutgoingResetRequest::parse(Bytes value) {
  ByteReader r{value};
  OutgoingResetRequest out;
  out.request_number = r.u32();
  out.response_number = r.u32();
  out.last_tsn = r.u32();
  out.streams = r.rest();
  if (!r.ok() || out.streams.size() % 2 != 0) return std::nullopt;
  return out;
}

std::optional<ReconfigResponse> ReconfigResponse::parse(Bytes value) {
  ByteReader r{value};
  ReconfigResponse out;
  out.request_number = r.u32();
  out.result = static_cast<ReconfigResult>(r.u32());
  if (!r.ok()) return std::nullopt;
  return out;
}

void write_outgoing_reset(MutableBytes out, std::uint32_t request_number,
                          std::uint32_t response_number, std::uint32_t last_tsn,
                          const std::vector<ChannelId>& streams) {
  ByteWriter w{out};
  w.u16(static_cast<std::uint16_t>(ReconfigType::outgoing_reset));
  w.u16(static_cast<std::uint16_t>(outgoing_reset_size(streams.size())));
  w.u32(request_number);
  w.u32(response_number);
  w.u32(last_tsn);
  for (const ChannelId id : streams) w.u16(id.value());
}

void write_reconfig_response(MutableBytes out, const ReconfigResponse& response) {
  ByteWriter w{out};
  w.u16(static_cast<std::uint16_t>(ReconfigType::response));
  w.u16(static_cast<std::uint16_t>(kReconfigResponseSize));
  w.u32(response.request_number);
  w.u32(static_cast<std::uint32_t>(response.result));
}

}  // namespace parley::sctp
