#include "parley/stats.hpp"

#include "support/catch.hpp"

using namespace parley;

TEST_CASE("a report is valid JSON whatever its texts contain", "[peer]") {
  StatsReport report;
  report.unix_ms = 1500.25;
  report.objects.emplace_back("a\"b", "codec")
      .set("mimeType", "audio/opus\n")
      .set("clockRate", 48'000)
      .set("active", true)
      .set("ratio", 0.5)
      .set("nothing", std::nan(""));
  CHECK(report.to_json() ==
        "[{\"id\":\"a\\\"b\",\"type\":\"codec\",\"timestamp\":1500.250,"
        "\"mimeType\":\"audio/opus\\u000a\",\"clockRate\":48000,\"active\":true,\"ratio\":0.5,"
        "\"nothing\":null}]");
}

TEST_CASE("members are found by name and set again in place", "[peer]") {
  StatsObject object{"x", "inbound-rtp"};
  object.set("kind", "audio").set("packetsLost", -2).set("packetsLost", 3);
  CHECK(object.number("packetsLost") == 3);
  CHECK(object.text("kind") == "audio");
  CHECK_FALSE(object.number("kind"));
  CHECK_FALSE(object.text("absent"));
  CHECK(object.members().size() == 2);
}
