// Stream reset (RFC 6525) as data channels use it (RFC 8831 section 6.7): each side resets what it
// sends; one request at a time.
#include <algorithm>

#include "sctp/association_impl.hpp"

namespace parley::sctp {
namespace {
constexpr std::size_t kMaxStreamsPerRequest = 64;

}  // namespace

// Streams of which everything is acknowledged, or abandoned and passed, can be reset: what is still
// under way would be taken for something new.
void Association::Impl::start_next_reset() {
  if (reset_out || resets_waiting.empty() || !features.stream_reset ||
      state != State::established) {
    return;
  }
  ResetRequest request;
  std::vector<StreamId> still_busy;
  for (const StreamId id : resets_waiting) {
    const OutgoingStream& s = queue.stream(id.value());
    const bool ready = s.messages_kept == 0 && request.streams.size() < kMaxStreamsPerRequest;
    (ready ? request.streams : still_busy).push_back(id);
  }
  resets_waiting = std::move(still_busy);
  if (request.streams.empty()) return;
  request.number = next_request_number++;
  request.last_tsn = static_cast<std::uint32_t>(flight.next_tsn() - 1);
  reset_out = std::move(request);
  reset_due = true;
}

void Association::Impl::write_re_config(Timestamp now, PacketWriter& out) {
  if (reset_response_due && out.fits(kReconfigResponseSize)) {
    write_reconfig_response(out.add(ChunkType::re_config, 0, kReconfigResponseSize), last_response);
    reset_response_due = false;
  }
  if (!reset_due || !reset_out) {
    reset_due = false;
    return;
  }
  const std::size_t size = outgoing_reset_size(reset_out->streams.size());
  if (!out.fits(size)) return;
  write_outgoing_reset(out.add(ChunkType::re_config, 0, size), reset_out->number,
                       expected_request_number - 1, reset_out->last_tsn, reset_out->streams);
  reset_due = false;
  reset_at = now + rto.rto();
}

void Association::Impl::handle_re_config(Timestamp now, const Chunk& chunk) {
  ParameterReader parameters{chunk.value};
  while (const auto p = parameters.next()) {
    switch (static_cast<ReconfigType>(p->type)) {
      case ReconfigType::outgoing_reset:
        if (const auto request = OutgoingResetRequest::parse(p->value)) {
          handle_outgoing_reset(*request);
        } else {
          ++counters.drops.malformed;
        }
        break;
      case ReconfigType::response:
        if (const auto response = ReconfigResponse::parse(p->value)) {
          handle_reset_response(now, *response);
        } else {
          ++counters.drops.malformed;
        }
        break;
      case ReconfigType::incoming_reset:
      case ReconfigType::ssn_tsn_reset:
      case ReconfigType::add_outgoing:
      case ReconfigType::add_incoming: {
        // RFC 8831 section 6.2 needs none of these, and all streams exist from the beginning.
        if (p->value.size() < 4) break;
        const std::uint32_t number = load_be32(p->value.data());
        if (number == expected_request_number) ++expected_request_number;
        last_response = {number, ReconfigResult::denied};
        reset_response_due = true;
        break;
      }
      default:
        return;  // section 4: the rest of the chunk is left
    }
  }
}

// Sections 5.2.1 and 5.2.2.
void Association::Impl::handle_outgoing_reset(const OutgoingResetRequest& request) {
  sack_due = true;
  reset_response_due = true;
  if (request.request_number == expected_request_number - 1 &&
      last_response.request_number == request.request_number) {
    return;  // our answer was lost: the same again
  }
  if (request.request_number != expected_request_number) {
    last_response = {request.request_number, ReconfigResult::bad_sequence_number};
    return;
  }
  ResetRequest deferred;
  deferred.number = request.request_number;
  deferred.last_tsn = request.last_tsn;
  for (std::size_t i = 0; i < request.count(); ++i) {
    deferred.streams.push_back(StreamId{request.stream(i)});
  }
  reset_in = std::move(deferred);
  last_response = {request.request_number, ReconfigResult::in_progress};
  finish_deferred_reset();
}

// E2 to E5: everything up to the last TSN must be here first.
void Association::Impl::finish_deferred_reset() {
  if (!reset_in || tracker.unwrap(reset_in->last_tsn) > tracker.cumulative()) return;
  deliver();  // what came before the reset is told before it
  const ResetRequest request = *std::exchange(reset_in, std::nullopt);
  perform_incoming_reset(request.streams);
  ++expected_request_number;
  last_response = {request.number, ReconfigResult::performed};
  reset_response_due = true;
}

void Association::Impl::perform_incoming_reset(const std::vector<StreamId>& streams) {
  if (streams.empty()) {
    reassembly->reset_all();
  } else {
    for (const StreamId id : streams) reassembly->reset(id.value());
  }
  events.push_back(IncomingStreamsReset{streams});
}

// Section 5.2.7.
void Association::Impl::handle_reset_response(Timestamp now, const ReconfigResponse& response) {
  if (!reset_out || response.request_number != reset_out->number) return;
  silences = 0;
  if (response.result == ReconfigResult::in_progress) {
    reset_at = now + rto.rto();  // asked again with the same number
    return;
  }
  const ResetRequest request = *std::exchange(reset_out, std::nullopt);
  reset_at = kNever;
  reset_due = false;
  if (response.result == ReconfigResult::performed ||
      response.result == ReconfigResult::nothing_to_do) {
    for (const StreamId id : request.streams) queue.erase(id.value());
    events.push_back(OutgoingStreamsReset{request.streams});
  } else {
    for (const StreamId id : request.streams) queue.stream(id.value()).resetting = false;
    events.push_back(StreamResetRefused{request.streams});
  }
  start_next_reset();
}

}  // namespace parley::sctp
