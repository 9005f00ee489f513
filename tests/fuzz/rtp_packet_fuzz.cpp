// RTP packets and header extensions: what is read stays in bounds, and what was read and can be
// written again reads the same.
#include <vector>

#include "parley/base/assert.hpp"
#include "parley/rtp/extensions.hpp"
#include "parley/rtp/packet.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

ExtensionMap map_of_all() {
  ExtensionMap map;
  for (std::size_t i = 0; i < kExtensionCount; ++i) {
    const auto added = map.add(static_cast<std::uint8_t>(i + 1), static_cast<Extension>(i));
    PARLEY_ASSERT(added.has_value(), "ids are different");
  }
  return map;
}

void check_written_again(const PacketView& packet, const HeaderExtensions& values,
                         const ExtensionMap& map) {
  std::vector<Ssrc> csrcs;
  for (std::size_t i = 0; i < packet.csrc_count(); ++i) csrcs.push_back(packet.csrc(i));
  std::vector<std::uint8_t> storage(packet.bytes().size() + 2000);
  PacketWriter out{storage,
                   {packet.marker(), packet.payload_type(), packet.sequence_number(),
                    packet.timestamp(), packet.ssrc(), csrcs},
                   values.form(map)};
  values.write_to(out, map);
  out.payload(packet.payload());
  if (packet.padding_size() > 0) out.padding(packet.padding_size());
  const auto written = out.finish();
  PARLEY_ASSERT(written, "all that was read has a form on the wire");
  const auto again = PacketView::parse(*written);
  PARLEY_ASSERT(again, "what was written can be read");
  PARLEY_ASSERT(HeaderExtensions::parse(*again, map) == values, "extensions come back");
  PARLEY_ASSERT(again->payload_size() == packet.payload_size(), "the payload comes back");
  PARLEY_ASSERT(again->padding_size() == packet.padding_size(), "the padding comes back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes{data, size};
  static const ExtensionMap map = map_of_all();
  PARLEY_ASSERT(!is_rtcp(bytes) || is_rtp_or_rtcp(bytes), "RTCP is one of the two");
  const auto packet = PacketView::parse(bytes);
  if (!packet) return 0;
  PARLEY_ASSERT(packet->header_size() + packet->payload_size() + packet->padding_size() == size,
                "the three parts make up the packet");
  unsigned sum = 0;
  for (const auto& [id, value] : packet->extensions()) {
    for (const std::uint8_t byte : value) sum += byte + id;
  }
  const auto values = HeaderExtensions::parse(*packet, map);
  check_written_again(*packet, values, map);

  std::vector<std::uint8_t> copy{bytes.begin(), bytes.end()};
  const bool has_number = values.transport_sequence_number.has_value();
  if (set_transport_sequence_number(copy, map, 0x1234)) {
    PARLEY_ASSERT(has_number && PacketView::parse(copy), "changed where it was");
  }
  return sum == 0xFFFF'FFFF ? 1 : 0;
}
