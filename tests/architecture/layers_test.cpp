// The rules of ARCHITECTURE.md that a compiler does not check: includes point down, cores know no
// clock, randomness, thread, lock or socket (the two drivers, io and sim, do).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace fs = std::filesystem;

namespace {

const fs::path kRoot{PARLEY_SOURCE_DIR};

// What each module may include, besides itself. The headers directly in include/parley belong to
// base (machine.hpp) or peer (the rest).
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"base", {}},
    {"stun", {"base"}},
    {"rtp", {"base"}},
    {"sdp", {"base"}},
    {"cc", {"base"}},
    {"sctp", {"base"}},
    {"dtls", {"base"}},
    {"srtp", {"base"}},
    {"codec", {"base"}},
    {"ice", {"base", "stun"}},
    {"jitter", {"base", "rtp"}},
    {"peer",
     {"base", "stun", "ice", "dtls", "srtp", "rtp", "jitter", "sdp", "cc", "sctp", "codec"}},
    {"workers", {}},
    {"io", {"base", "workers"}},
    {"sim", {"base", "workers"}},
};

// Third-party headers and the modules that wrap them.
const std::map<std::string, std::set<std::string>> kWrappers = {
    {"openssl/", {"base", "dtls", "sim"}},
    {"srtp2/", {"srtp"}},
    {"opus/", {"codec"}},
    {"opus.h", {"codec"}},
    {"vpx/", {"codec"}},
    {"asio", {"io"}},
};

struct Source {
  fs::path path;
  std::string module;
  bool is_public = false;
};

std::vector<Source> sources() {
  std::vector<Source> all;
  for (const bool is_public : {false, true}) {
    const fs::path top = kRoot / (is_public ? "include/parley" : "src");
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      const auto extension = entry.path().extension();
      if (extension != ".hpp" && extension != ".cpp") continue;
      const fs::path inside = fs::relative(entry.path(), top);
      std::string module = inside.begin()->string();
      if (inside.begin() == --inside.end()) module = module == "machine.hpp" ? "base" : "peer";
      all.push_back({entry.path(), module, is_public});
    }
  }
  return all;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The module that #include "ice/agent.hpp" or "parley/ice/agent.hpp" names; a bare name is a
// neighbour in the same folder.
std::string module_of_include(std::string target, const std::string& own) {
  const bool is_public = target.starts_with("parley/");
  if (is_public) target = target.substr(7);
  if (!is_public && target.find('/') == std::string::npos) return own;
  const auto slash = target.find('/');
  if (slash == std::string::npos) return target == "machine.hpp" ? "base" : "peer";
  return target.substr(0, slash);
}

std::string without_comment(const std::string& line) { return line.substr(0, line.find("//")); }

}  // namespace

TEST_CASE("includes point down the layers and never sideways", "[architecture]") {
  const std::regex quoted{R"(^\s*#include\s+\"([^\"]+)\")"};
  int checked = 0;
  for (const Source& source : sources()) {
    const auto allowed = kMayInclude.find(source.module);
    INFO(source.path.string());
    REQUIRE(allowed != kMayInclude.end());
    for (const std::string& line : lines_of(source.path)) {
      std::smatch match;
      if (!std::regex_search(line, match, quoted)) continue;
      const std::string target = module_of_include(match[1], source.module);
      INFO(line);
      CHECK((target == source.module || allowed->second.count(target) == 1));
      ++checked;
    }
  }
  CHECK(checked > 100);
}

TEST_CASE("third-party headers stay in the source files of their wrapper", "[architecture]") {
  const std::regex angled{R"(^\s*#include\s+<([^>]+)>)"};
  for (const Source& source : sources()) {
    for (const std::string& line : lines_of(source.path)) {
      std::smatch match;
      if (!std::regex_search(line, match, angled)) continue;
      for (const auto& [prefix, modules] : kWrappers) {
        if (!match[1].str().starts_with(prefix)) continue;
        INFO(source.path.string() << ": " << line);
        CHECK(modules.count(source.module) == 1);
        CHECK_FALSE(source.is_public);
      }
    }
  }
}

TEST_CASE("cores know no clock no randomness no thread no lock and no socket", "[architecture]") {
  const std::regex forbidden{
      R"(\b(steady_clock|system_clock|high_resolution_clock|gettimeofday|clock_gettime|time\(nullptr\))"
      R"(|std::thread|std::jthread|std::mutex|std::shared_mutex|std::condition_variable|std::atomic)"
      R"(|std::random_device|std::mt19937|std::rand|std::async|socket\(|sleep_for|thread_local)\b)"};
  const std::set<std::string> drivers = {"workers", "io", "sim"};
  for (const Source& source : sources()) {
    if (drivers.count(source.module) == 1) continue;
    int number = 0;
    for (const std::string& line : lines_of(source.path)) {
      ++number;
      INFO(source.path.string() << ":" << number << ": " << line);
      CHECK_FALSE(std::regex_search(without_comment(line), forbidden));
    }
  }
}

TEST_CASE("modules link only what they may include", "[architecture]") {
  const std::regex depends{R"(DEPENDS\s+([a-z0-9 ]+))"};
  for (const auto& [module, allowed] : kMayInclude) {
    const fs::path file = kRoot / "src" / module / "CMakeLists.txt";
    if (!fs::exists(file)) continue;
    std::string text;
    for (const std::string& line : lines_of(file)) text += line + " ";
    std::smatch match;
    if (!std::regex_search(text, match, depends)) continue;
    std::istringstream words{match[1].str()};
    for (std::string word; words >> word;) {
      INFO(module << " depends on " << word);
      CHECK(allowed.count(word) == 1);
    }
  }
}
