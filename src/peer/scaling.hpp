// Makes pictures smaller.
#pragma once

#include <memory>

#include "parley/base/media.hpp"

namespace parley::peer {

/// `picture` made smaller by `scale` (1 or more), to even sizes of at least 16 by 16. Each sample
/// is the mean of the area it stands for, which keeps fine patterns from flickering. The same
/// picture when its size stays.
std::shared_ptr<const I420Buffer> scaled_down(std::shared_ptr<const I420Buffer> picture,
                                              double scale);

}  // namespace parley::peer
