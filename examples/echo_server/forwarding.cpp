#include "echo_server/forwarding.hpp"

#include <algorithm>

namespace echo_server {
namespace {

using namespace parley;

constexpr std::int64_t kTicksPerSecond = 90'000;
/// A picture that falls further behind than this was not delayed: its sender's clock jumped or
/// stood still.
constexpr Duration kLongestDelay = 1s;
/// What is forwarded as silence; a longer gap is a new beginning.
constexpr std::uint32_t kLongestSilence = 60U * kAudioSampleRate;
/// A sender that is short of bandwidth stops its larger streams without a word.
constexpr Duration kLayerGone = 700ms;
/// Names of streams that a sender may use before no further one is looked at.
constexpr std::size_t kMaxLayers = 8;

}  // namespace

Timestamp VideoClock::place(std::uint32_t rtp_timestamp, Timestamp now) {
  const std::int64_t ticks = unwrapper_.unwrap(rtp_timestamp);
  Timestamp at = now;
  if (origin_) {
    at = *origin_ + Duration{(ticks - first_) * 1'000'000 / kTicksPerSecond};
    // Earlier than it should: the pictures before had been delayed.
    if (at > now || at < now - kLongestDelay) origin_.reset();
  }
  if (!origin_) {
    first_ = ticks;
    origin_ = now;
    at = now;
  }
  last_ = last_ == Timestamp::min() ? at : std::max(at, last_ + Duration{1});
  return last_;
}

std::optional<std::uint32_t> AudioGaps::before(const EncodedAudio& packet,
                                               std::uint32_t rtp_timestamp) {
  std::uint32_t gap = 0;
  if (next_) {
    if (serial_newer(*next_, rtp_timestamp)) return std::nullopt;
    gap = rtp_timestamp - *next_;
    if (gap > kLongestSilence) gap = 0;
  }
  next_ = rtp_timestamp + static_cast<std::uint32_t>(packet.samples_per_channel);
  return gap;
}

LayerChoice::Verdict LayerChoice::judge(const EncodedVideo& frame, Timestamp now) {
  if (frame.rid.empty()) return Verdict::pass;
  const auto known = layers_.find(frame.rid);
  if (known == layers_.end() && layers_.size() == kMaxLayers) return Verdict::drop;
  Layer& layer = layers_[frame.rid];
  layer.last_seen = now;
  if (frame.key_frame && frame.width > 0)
    layer.pixels = std::int64_t{frame.width} * std::int64_t{frame.height};
  if (frame.rid == current_) return Verdict::pass;
  if (!is_better(layer, now)) return Verdict::drop;
  if (!frame.key_frame) return Verdict::want_key_frame;
  current_ = frame.rid;
  return Verdict::pass;
}

bool LayerChoice::is_better(const Layer& layer, Timestamp now) const {
  // A size that is not known yet may be the largest.
  if (layer.pixels == 0) return true;
  return std::none_of(layers_.begin(), layers_.end(), [&](const auto& entry) {
    const Layer& other = entry.second;
    const bool alive = other.last_seen >= now - kLayerGone;
    const bool rivals =
        entry.first == current_ ? other.pixels >= layer.pixels : other.pixels > layer.pixels;
    return alive && rivals;
  });
}

}  // namespace echo_server
