// RTCP: every parser on every sub-packet, and what was read writes and reads the same.
#include <vector>

#include "parley/base/assert.hpp"
#include "parley/rtp/rtcp.hpp"

using namespace parley;
using namespace parley::rtp::rtcp;

namespace {

template <class Element>
void check(const SubPacket& sub) {
  const auto element = Element::parse(sub);
  if (!element) return;
  std::vector<std::uint8_t> storage(element->size());
  ByteWriter out{storage};
  // Only a list whose writer is stricter than its count field may be refused.
  if (!element->write_to(out)) return;
  PARLEY_ASSERT(out.size() == element->size(), "size() is what is written");
  const auto again = SubPacket::parse(storage);
  PARLEY_ASSERT(again && again->total_size == storage.size(), "what was written is a sub-packet");
  PARLEY_ASSERT(Element::parse(*again) == element, "what was written reads the same");
}

/// REMB rates above 63 bits read as infinite and are written as the most the form holds.
void check_remb(const SubPacket& sub) {
  const auto remb = Remb::parse(sub);
  if (remb && !remb->bitrate.is_infinite()) check<Remb>(sub);
}

void check_transport_feedback(const SubPacket& sub) {
  const auto feedback = TransportFeedback::parse(sub);
  if (!feedback) return;
  PARLEY_ASSERT(feedback->arrivals.size() <= sub.body.size(), "an arrival takes a byte");
  const Timestamp start{kFeedbackReferenceUnit * feedback->reference_time};
  TransportFeedbackWriter writer{feedback->sender,        feedback->media, feedback->feedback_count,
                                 feedback->base_sequence, start,           1 << 20};
  for (const auto& [sequence, time] : feedback->arrivals) {
    // A gap of half the circle is the one thing that a packet can say and the writer does not.
    if (!writer.add(sequence, Timestamp{time})) return;
  }
  if (writer.empty()) return;
  std::vector<std::uint8_t> storage(writer.size());
  ByteWriter out{storage};
  PARLEY_ASSERT(writer.write_to(out), "the storage has its size");
  const auto again = SubPacket::parse(storage);
  PARLEY_ASSERT(again, "what was written is a sub-packet");
  const auto back = TransportFeedback::parse(*again);
  PARLEY_ASSERT(back && back->arrivals == feedback->arrivals, "arrivals come back exactly");
  PARLEY_ASSERT(back->reference_time == feedback->reference_time, "so does the reference time");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto compound = CompoundView::parse({data, size});
  if (!compound) return 0;
  std::size_t covered = 0;
  for (const SubPacket& sub : *compound) {
    covered += sub.total_size;
    check<SenderReport>(sub);
    check<ReceiverReport>(sub);
    check<Sdes>(sub);
    check<Bye>(sub);
    check<Nack>(sub);
    check<Pli>(sub);
    check<Fir>(sub);
    check<ExtendedReport>(sub);
    check<CongestionFeedback>(sub);
    check_remb(sub);
    check_transport_feedback(sub);
  }
  PARLEY_ASSERT(covered == size, "the sub-packets make up the datagram");
  return 0;
}
