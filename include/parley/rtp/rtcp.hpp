// All of RTCP: include this, or single elements from rtcp/.
//
// Every element is a value with
//   static std::optional<T> parse(const SubPacket&);   nullopt: another element, or malformed
//   std::size_t size() const;                          bytes on the wire, a multiple of 4
//   bool write_to(ByteWriter&) const;                  false: does not fit, and nothing was written
// Lists are copied out of the packet and are bounded by its length; texts are borrowed from it.
#pragma once

#include "parley/rtp/rtcp/bye.hpp"
#include "parley/rtp/rtcp/compound.hpp"
#include "parley/rtp/rtcp/congestion_feedback.hpp"
#include "parley/rtp/rtcp/extended_report.hpp"
#include "parley/rtp/rtcp/fir.hpp"
#include "parley/rtp/rtcp/nack.hpp"
#include "parley/rtp/rtcp/pli.hpp"
#include "parley/rtp/rtcp/remb.hpp"
#include "parley/rtp/rtcp/report.hpp"
#include "parley/rtp/rtcp/sdes.hpp"
#include "parley/rtp/rtcp/transport_feedback.hpp"
