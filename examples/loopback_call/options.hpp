// The command line of the loopback call.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/command_line.hpp"
#include "parley/base/result.hpp"
#include "parley/base/time.hpp"
#include "parley/base/units.hpp"

namespace loopback_call {

/// What the network between the two ends does to datagrams, in each direction.
struct Impairment {
  double loss = 0;  ///< [0, 1]
  parley::Duration delay{};
  parley::Duration jitter{};  ///< Added evenly from 0 to this; the order is kept.
  double reorder = 0;         ///< [0, 1], share of datagrams that later ones overtake
  parley::DataRate rate = parley::DataRate::infinite();

  bool any() const {
    return loss > 0 || delay.count() > 0 || jitter.count() > 0 || reorder > 0 ||
           !rate.is_infinite();
  }
};

/// What the call must reach for exit status 0, each way.
struct QualityFloor {
  double mean_psnr_db = 0;
  double shown_psnr_db = 0;    ///< Of the worst frame shown: no damage.
  double frozen_ratio = 1;     ///< Of the call's time.
  double concealed_ratio = 1;  ///< Of the played samples.
  double audio_delay_ms = 0;   ///< Mean of the jitter buffer.
};

struct Options {
  std::optional<std::filesystem::path> audio;
  std::optional<std::filesystem::path> video;
  /// Where `prepare_media.sh` put its recordings.
  std::filesystem::path media_dir;
  parley::Duration length = parley::Duration{10'000'000};
  parley::DataRate bitrate = parley::DataRate::kilobits_per_second(1000);  ///< Video, each way.
  Impairment impairment;
  bool is_virtual = false;
  std::uint64_t seed = 1;
  std::filesystem::path out = "out";
  bool quiet = false;
  /// Given on the command line; what is not given follows from the rest (`default_floor`).
  std::optional<double> min_psnr_db;
  std::optional<double> min_shown_psnr_db;
  std::optional<double> max_frozen_percent;
  std::optional<double> max_concealed_percent;
  std::optional<double> max_audio_delay_ms;
};

std::variant<Options, example::Stop> parse_options(int argc, const char* const* argv);

/// The floor for these options. `own_footage`: the user brought the pictures, of which nothing is
/// known, so that no mean PSNR is demanded beyond what tells pictures from garbage.
QualityFloor default_floor(const Options& options, bool own_footage);

}  // namespace loopback_call
