// Where a core says what it noticed. A sink is handed in; without one nothing is formatted.
#pragma once

#include <string_view>

namespace parley {

enum class Severity { debug, info, warning, error };

/// Receives log lines. Called on the sequence of the object that logs; must not call back into it.
/// Credentials, keys and addresses hidden by policy are never logged.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// True when lines of this severity are wanted: cores ask before they format.
  virtual bool wants(Severity severity) const { return severity >= Severity::info; }
  /// `module` is the folder's name ("ice"), `line` one line without a line end.
  virtual void write(Severity severity, std::string_view module, std::string_view line) = 0;
};

}  // namespace parley
