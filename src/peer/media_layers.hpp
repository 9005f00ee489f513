// How a video's rate is shared by its simulcast streams.
#pragma once

#include <span>
#include <vector>

#include "parley/base/units.hpp"

namespace parley::peer {

/// What one simulcast stream asks of the rate of its video.
struct LayerDemand {
  double scale = 1;  ///< how much smaller its pictures are
  DataRate max;      ///< zero: none
  bool wanted = true;
  bool running = false;  ///< has a rate now
};

/// The rate of each layer, in the order of `layers`. The smallest pictures are served first,
/// because they are what a receiver can always fall back to; a larger layer begins when a quarter
/// of what it deserves is left over, and the largest that runs takes the rest. `full` is what a
/// picture of full size deserves: a layer deserves that by its area. Without a wanted layer all
/// rates are zero.
std::vector<DataRate> share_among_layers(DataRate total, DataRate full,
                                         std::span<const LayerDemand> layers);

}  // namespace parley::peer
