#include "peer/media_layers.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace parley::peer {
namespace {

constexpr DataRate kLeast =
    DataRate::kilobits_per_second(30);  // ours: below it pictures stand still
/// A layer that is off needs this much more than one that runs, or it would flicker.
constexpr double kHysteresis = 1.2;
/// What a small layer may take above its due when nothing larger runs.
constexpr double kSpare = 1.5;

DataRate due(const LayerDemand& layer, DataRate full) {
  const double scale = std::max(1.0, layer.scale);
  const DataRate by_area = std::max(kLeast, full * (1.0 / (scale * scale)));
  return layer.max > DataRate{} ? std::min(layer.max, by_area) : by_area;
}

}  // namespace

std::vector<DataRate> share_among_layers(DataRate total, DataRate full,
                                         std::span<const LayerDemand> layers) {
  std::vector<std::size_t> order(layers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return layers[a].scale > layers[b].scale; });
  std::vector<DataRate> rates(layers.size());
  DataRate left = total;
  const LayerDemand* largest = nullptr;
  for (const std::size_t i : order) {
    const LayerDemand& layer = layers[i];
    if (!layer.wanted) continue;
    const DataRate deserved = due(layer, full);
    const DataRate least = std::max(kLeast, deserved * 0.25) * (layer.running ? 1.0 : kHysteresis);
    // The first runs whatever is left: nothing at all helps nobody.
    if (largest != nullptr && left < least) break;
    rates[i] = std::min(left, deserved);
    left = left - rates[i];
    largest = &layer;
  }
  if (largest == nullptr) return rates;
  DataRate& top = rates[static_cast<std::size_t>(largest - layers.data())];
  const bool is_full = largest->scale <= 1;
  DataRate most = is_full ? top + left : due(*largest, full) * kSpare;
  if (largest->max > DataRate{}) most = largest->max;
  top = std::max(top, std::min(top + left, most));
  return rates;
}

}  // namespace parley::peer
