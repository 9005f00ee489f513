// What SACKs tell (RFC 9260 sections 6.2.1 and 7.2).
#include <algorithm>

#include "sctp/association_impl.hpp"

namespace parley::sctp {

void Association::Impl::handle_sack(Timestamp now, const Chunk& chunk) {
  const auto sack = SackChunk::parse(chunk.value);
  if (!sack) {
    ++counters.drops.malformed;
    return;
  }
  const std::size_t before = flight.in_flight();
  // The peer's packets may be a little smaller than ours.
  const std::size_t full_list = config.mtu * 9 / 10 / 4;
  const AckOutcome outcome = flight.acknowledge(now, *sack, rto.smallest(), full_list);
  if (!outcome.valid) return;
  cookie_ack_in_doubt = false;
  peer_window = sack->window;
  // What was sent twice on purpose and came twice was not needless.
  const std::size_t expected = std::min(sack->duplicate_count(), repeats_sent);
  repeats_sent -= expected;
  take_acknowledgement(now, outcome, before, sack->duplicate_count() - expected);
  const std::size_t outstanding = flight.payload_in_flight();
  peer_window_left = peer_window > outstanding ? peer_window - outstanding : 0;
  if (peer_window_left >= kMinPart) window_probe_at = kNever;
}

void Association::Impl::take_acknowledgement(Timestamp now, const AckOutcome& outcome,
                                             std::size_t before, std::size_t needless) {
  if (!outcome.valid) return;
  // What left on another path measures nothing.
  auto round_trip = outcome.round_trip;
  if (round_trip && now - *round_trip < path_since) round_trip.reset();
  if (round_trip && now >= next_rtt_sample) {
    rto.measure(*round_trip);
    next_rtt_sample = now + *round_trip;  // section 6.3.1 C4: once per round trip
  }
  if (outcome.acked > 0 || outcome.cumulative_advanced) {
    silences = 0;
    probe_spent = false;
    plan_heartbeat(now);
  }
  AckSample sample;
  sample.acked = outcome.acked;
  sample.in_flight_before = before;
  sample.in_flight = flight.in_flight();
  sample.cumulative_advanced = outcome.cumulative_advanced;
  sample.in_recovery = recovery_end.has_value();
  sample.round_trip = round_trip;
  sample.needless = needless;
  const DeliveryRate& delivery = flight.delivery_rate();
  sample.delivered = sample.delivered_before = delivery.delivered();
  if (const auto& newest = delivery.newest()) {
    sample.delivered_before = newest->delivered;
    if (delivery.newest_sent() >= path_since) {
      sample.delivery_rate = delivery.rate(now, rto.smallest());
    }
    sample.application_limited = newest->application_limited;
  }
  congestion->on_ack(now, sample);
  if (recovery_end && flight.cumulative() >= *recovery_end) recovery_end.reset();
  if (outcome.lost > 0) react_to_losses(now, outcome.lost);
  // Section 6.3.2 R2 and R3.
  if (flight.empty()) {
    t3 = kNever;
  } else if (outcome.cumulative_advanced) {
    t3 = now + rto.rto();
  }
  if (features.partial_reliability && flight.advanced_ack_point() > flight.cumulative()) {
    // RFC 3758 section 3.5 C5: said again with each SACK that shows it was not heard.
    forward_tsn_due = true;
  }
  plan_probe(now);
  settle_released(now);
}

void Association::Impl::react_to_losses(Timestamp now, std::size_t lost) {
  LossSample sample;
  sample.lost = lost;
  sample.in_flight_before = flight.in_flight() + lost;
  sample.first_of_window = !recovery_end;
  if (!recovery_end) {
    recovery_end = flight.next_tsn() - 1;
    fast_retransmit = true;
    ++counters.fast_recoveries;
  }
  congestion->on_loss(now, sample);
}

// Messages were sent, or let go: by acknowledgement or by being abandoned.
void Association::Impl::settle_released(Timestamp now) {
  while (const auto stream = queue.take_low()) {
    events.push_back(BufferedAmountLow{StreamId{*stream}});
  }
  buffered -= flight.take_released();
  if (send_refused && buffered <= config.send_buffer / 2) {
    send_refused = false;
    events.push_back(SendBufferAvailable{});
  }
  if (flight.take_stream_drained()) start_next_reset();
  constexpr std::size_t kKept = 1024;  // between bursts
  if (flight.empty() && queue.empty()) flight.release_memory_when_idle(kKept);
  advance_shutdown(now);
}

}  // namespace parley::sctp
