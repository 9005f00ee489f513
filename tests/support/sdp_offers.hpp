// Offers that other stacks made (tests/sdp/offers), and what may go wrong with them on their way.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "parley/base/random.hpp"

namespace parley::test {

struct NamedOffer {
  std::string name;  ///< "chromium-156-simulcast"
  std::string sdp;   ///< lines end with CR LF
};

inline std::vector<NamedOffer> offers_of_other_stacks() {
  std::vector<NamedOffer> offers;
  const std::filesystem::path folder =
      std::filesystem::path{PARLEY_SOURCE_DIR} / "tests/sdp/offers";
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (entry.path().extension() != ".sdp") continue;
    std::ifstream in{entry.path(), std::ios::binary};
    NamedOffer offer{entry.path().stem().string(), {}};
    for (std::string line; std::getline(in, line);) offer.sdp += line + "\r\n";
    offers.push_back(std::move(offer));
  }
  std::sort(offers.begin(), offers.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return offers;
}

/// Damages descriptions: attributes dropped, repeated, moved, garbled, cut off, or mixed up with
/// those of another description.
class SdpMutator {
 public:
  explicit SdpMutator(Random& random) : random_(random) {}

  /// One to four mutations of `sdp`; `other` is where foreign lines come from.
  std::string mutate(const std::string& sdp, const std::string& other) {
    std::vector<std::string> lines = split(sdp);
    const std::vector<std::string> foreign = split(other);
    for (std::size_t n = 1 + below(4); n > 0 && !lines.empty(); --n) mutate_once(lines, foreign);
    std::string text;
    const bool bare = below(8) == 0;
    for (const std::string& line : lines) text += line + (bare ? "\n" : "\r\n");
    if (below(10) == 0) text.resize(below(text.size() + 1));
    return text;
  }

 private:
  using Lines = std::vector<std::string>;

  std::size_t below(std::size_t n) {
    return n == 0 ? 0 : random_.below(static_cast<std::uint32_t>(n));
  }
  static Lines split(const std::string& text) {
    Lines lines;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find("\r\n", at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 2;
    }
    return lines;
  }
  static Lines::difference_type place(std::size_t n) {
    return static_cast<Lines::difference_type>(n);
  }

  void mutate_once(Lines& lines, const Lines& foreign) {
    const std::size_t at = below(lines.size());
    std::string& line = lines[at];
    switch (below(14)) {
      case 0:
        lines.erase(lines.begin() + place(at));
        break;
      case 1:
        lines.insert(lines.begin() + place(below(lines.size())), std::string{line});
        break;
      case 2:
        std::swap(line, lines[below(lines.size())]);
        break;
      case 3: {  // a run of lines moves
        std::string moved = std::move(line);
        lines.erase(lines.begin() + place(at));
        lines.insert(lines.begin() + place(below(lines.size() + 1)), std::move(moved));
        break;
      }
      case 4:
        if (!line.empty()) line[below(line.size())] = static_cast<char>(below(256));
        break;
      case 5:
        line.resize(below(line.size() + 1));
        break;
      case 6:
        line.insert(below(line.size() + 1), std::string(1 + below(3), below(2) == 0 ? ' ' : ':'));
        break;
      case 7:
        if (!foreign.empty()) line = foreign[below(foreign.size())];
        break;
      case 8:
        if (!foreign.empty()) {
          lines.insert(lines.begin() + place(at), foreign[below(foreign.size())]);
        }
        break;
      case 9:  // all lines of one attribute go
        drop_alike(lines, line.substr(0, line.find(':')));
        break;
      case 10:
        change_number(line);
        break;
      case 11:
        std::transform(line.begin(), line.end(), line.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
        break;
      case 12:
        drop_section(lines);
        break;
      default:  // a word is doubled
        line += ' ' + line.substr(std::min(line.find(' '), line.size()));
    }
  }

  static void drop_alike(Lines& lines, const std::string& start) {
    const std::string name = start;
    std::erase_if(lines, [&](const std::string& l) { return l.substr(0, l.find(':')) == name; });
  }

  void change_number(std::string& line) {
    const std::size_t first = line.find_first_of("0123456789", below(line.size() + 1));
    if (first == std::string::npos) return;
    const std::size_t end = std::min(line.find_first_not_of("0123456789", first), line.size());
    static const char* const kNumbers[] = {
        "0", "1", "96", "127", "65535", "4294967295", "99999999999999999999", "-1"};
    line.replace(first, end - first, kNumbers[below(std::size(kNumbers))]);
  }

  void drop_section(Lines& lines) {
    const auto is_media = [](const std::string& l) { return l.rfind("m=", 0) == 0; };
    auto begin = std::find_if(lines.begin(), lines.end(), is_media);
    for (std::size_t skip = below(3); skip > 0 && begin != lines.end(); --skip) {
      begin = std::find_if(begin + 1, lines.end(), is_media);
    }
    if (begin == lines.end()) return;
    lines.erase(begin, std::find_if(begin + 1, lines.end(), is_media));
  }

  Random& random_;
};

}  // namespace parley::test
