// The style sheet of the report.
#pragma once

#include <string_view>

namespace loopback_call {

inline constexpr std::string_view kReportStyle = R"css(
:root { --paper: #ffffff; --card: #f5f6f8; --ink: #1d2129; --faint: #666e7a; --rule: #dde0e6;
  --ab: #2563c9; --ba: #c2560c; --good: #1a7f45; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171c; --card: #1d2127; --ink: #e6e9ee; --faint: #98a1ae; --rule: #333943;
    --ab: #74a8ff; --ba: #ff9f56; --good: #5bd08c; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { margin: 0; font-size: 28px; letter-spacing: -0.01em; }
h2 { margin: 34px 0 12px; font-size: 18px; }
header p { margin: 2px 0 0; color: var(--faint); }
.verdict { margin: 18px 0; padding: 10px 14px; border-radius: 8px; background: var(--card);
  border-left: 4px solid var(--good); }
.verdict.bad { border-left-color: var(--bad); }
.verdict ul { margin: 4px 0 0; padding-left: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 12px; }
.tile { display: flex; flex-direction: column; padding: 12px 14px; border-radius: 8px;
  background: var(--card); }
.tile b { font-size: 21px; font-weight: 600; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.tile i { color: var(--faint); font-style: normal; font-weight: 400; }
.tile span { color: var(--faint); font-size: 13px; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr));
  gap: 14px; }
figure { margin: 0; }
.plot { padding: 12px 12px 6px; border-radius: 8px; background: var(--card); }
.plot figcaption { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 12px;
  margin-bottom: 6px; font-size: 13px; }
.plot figcaption b { font-size: 15px; }
.unit { color: var(--faint); }
.key { display: inline-flex; align-items: center; gap: 5px; color: var(--faint); }
.key svg { width: 24px; height: 8px; }
.plot > svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--faint); font-size: 11px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--rule); stroke-width: 1; }
.axis { stroke: var(--faint); stroke-width: 1; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.line.ab { stroke: var(--ab); }
.line.ba { stroke: var(--ba); }
.line.dashed { stroke-dasharray: 2 4; }
.pictures { display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fit, minmax(min(520px, 100%), 1fr)); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.pair img { display: block; width: 100%; border-radius: 6px; }
.pair figcaption { margin-top: 3px; color: var(--faint); font-size: 13px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 16px 5px 0; border-bottom: 1px solid var(--rule); text-align: right; }
th:first-child { text-align: left; font-weight: 400; }
.note { max-width: 76ch; color: var(--faint); font-size: 13px; }
)css";

}  // namespace loopback_call
