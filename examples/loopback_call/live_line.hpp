// The call on the terminal: one line that lives while it runs, and the table at its end.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "loopback_call/summary.hpp"
#include "loopback_call/timeline.hpp"

namespace loopback_call {

/// "12/60 s  1061/1064 kbit/s  rtt 80.2 ms  loss 2.0/1.1 %  356/356 frames  buffer 52/48 ms  ..."
/// without a line end; pairs are a to b and b to a. `columns`: of the terminal; what does not fit
/// is left out from the right.
std::string live_text(const Second& second, double length_s, std::size_t columns);

/// Rewrites its line in place on a terminal; elsewhere writes a line for every second. `out` stays
/// open longer than this object.
class LiveLine {
 public:
  LiveLine(std::FILE* out, bool quiet);
  /// Ends the line that is being rewritten.
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  void show(const Second& second, double length_s);

 private:
  std::FILE* out_;
  bool quiet_;
  bool terminal_;
  bool open_ = false;
};

/// One row of the table: a name and a value for each direction.
struct TableRow {
  std::string name;
  std::string a_to_b;
  std::string b_to_a;
};
/// The figures of the call for people: used by terminal and report.
std::vector<TableRow> summary_table(const Summary& summary);

/// The table with its lines, ready to print.
std::string table_text(const Summary& summary);

}  // namespace loopback_call
