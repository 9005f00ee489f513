// A controller and a pacer under feedback of any kind: the target stays within its limits and the
// pacer never waits for ever.
#include <chrono>
#include <cstdlib>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "parley/cc/controller.hpp"
#include "parley/cc/pacer.hpp"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::FuzzInput input{data, size};
  cc::Limits limits;
  cc::LossBasedController controller{limits};
  cc::Pacer pacer{controller.target()};
  Timestamp now{100s};
  const auto apply = [&](const cc::Update& update) {
    if (update.pacing_rate) pacer.set_rate(now, *update.pacing_rate);
  };
  while (!input.empty()) {
    now += std::chrono::milliseconds{input.u8()};
    switch (input.u8() % 5) {
      case 0: {
        std::vector<cc::PacketResult> packets(input.u8());
        for (auto& packet : packets) {
          if (input.u8() % 2 == 0) packet.received = Timestamp{Duration{input.u32()}};
        }
        apply(controller.on_feedback(now, {.packets = packets, .round_trip_time = {}}));
        break;
      }
      case 1: {
        const double lost = (input.u8() - 20) / 200.0;  // below 0 and above 1 too
        apply(controller.on_loss_report(now, {.fraction_lost = lost, .round_trip_time = {}}));
        break;
      }
      case 2:
        apply(controller.on_remote_estimate(now, DataRate::bits_per_second(input.u32())));
        break;
      case 3:
        limits.min = DataRate::bits_per_second(input.u16());
        limits.max = limits.min + DataRate::bits_per_second(input.u32());
        apply(controller.set_limits(now, limits));
        break;
      case 4:
        pacer.on_sent(now, DataSize::bytes(input.u16()));
        break;
    }
    if (controller.target() < limits.min || controller.target() > limits.max) std::abort();
    const Timestamp next = pacer.next_send(now);
    if (next < now) std::abort();
  }
  return 0;
}
