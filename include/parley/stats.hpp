// Statistics with the names of the W3C (webrtc-stats), so that existing dashboards work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "parley/base/time.hpp"

namespace parley {

/// One object of a report: a dictionary whose keys are the member names of webrtc-stats
/// ("packetsReceived"), with the units that document gives (seconds, bytes, bits per second).
class StatsObject {
 public:
  using Value = std::variant<bool, std::int64_t, double, std::string>;

  /// `type` and `name` outlive the object: they are string literals.
  StatsObject(std::string id, std::string_view type) : id_(std::move(id)), type_(type) {}

  const std::string& id() const { return id_; }
  /// "inbound-rtp", "candidate-pair", ... (RTCStatsType)
  std::string_view type() const { return type_; }

  StatsObject& set(std::string_view name, bool value) { return put(name, value); }
  StatsObject& set(std::string_view name, double value) { return put(name, value); }
  StatsObject& set(std::string_view name, std::string value) { return put(name, std::move(value)); }
  StatsObject& set(std::string_view name, const char* value) {
    return put(name, std::string{value});
  }
  StatsObject& set(std::string_view name, std::string_view value) {
    return put(name, std::string{value});
  }
  template <class T>
  requires std::is_integral_v<T> StatsObject& set(std::string_view name, T value) {
    return put(name, static_cast<std::int64_t>(value));
  }
  /// Sets a duration in seconds, the unit of webrtc-stats.
  StatsObject& set_seconds(std::string_view name, Duration value) {
    return put(name, to_seconds(value));
  }

  const Value* find(std::string_view name) const;
  /// A number or boolean as a double; nullopt when absent or a text.
  std::optional<double> number(std::string_view name) const;
  std::optional<std::string_view> text(std::string_view name) const;
  const std::vector<std::pair<std::string_view, Value>>& members() const { return members_; }

 private:
  StatsObject& put(std::string_view name, Value value);
  std::string id_;
  std::string_view type_;
  std::vector<std::pair<std::string_view, Value>> members_;
};

/// A snapshot of a connection: what getStats() gives in a browser.
struct StatsReport {
  Timestamp at{};
  double unix_ms = 0;  ///< `timestamp` of every object: milliseconds since 1970
  std::vector<StatsObject> objects;

  const StatsObject* find(std::string_view id) const;
  /// The first object of a type for which `kind` fits (any when empty): "inbound-rtp", "video".
  const StatsObject* first(std::string_view type, std::string_view kind = {}) const;
  /// A JSON array of objects with `id`, `type`, `timestamp` and their members.
  std::string to_json() const;
};

}  // namespace parley
