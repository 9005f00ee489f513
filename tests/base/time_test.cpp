#include "parley/base/time.hpp"

#include "support/catch.hpp"

using namespace parley;

TEST_CASE("engine time maps to NTP time and back within a microsecond", "[base][rfc3550]") {
  const Timestamp origin{123'456'789us};
  const NtpMapping mapping{origin, NtpTime{0xE5A1'0000'8000'0000ULL}};
  for (const Duration d :
       {0us, 1us, 999'999us, 1'000'000us, 86'400'000'123us, -1us, -1'500'000us}) {
    const Timestamp t = origin + d;
    const auto back = mapping.to_engine(mapping.to_ntp(t));
    CHECK(std::abs((back - t).count()) <= 1);
  }
  CHECK(mapping.to_ntp(origin + 500ms).seconds() == 0xE5A1'0001U);
  CHECK(mapping.to_ntp(origin + 500ms).fraction() == 0);
}

TEST_CASE("compact NTP is the middle of the 64 bits", "[base][rfc3550]") {
  CHECK(NtpTime{0x1122'3344'5566'7788ULL}.compact() == 0x3344'5566U);
  CHECK(to_compact_ntp(1s) == 65'536);
  CHECK(to_compact_ntp(-1s) == 0);
  CHECK(to_compact_ntp(std::chrono::hours{48}) == 0xFFFF'FFFFU);
  CHECK(from_compact_ntp(65'536) == 1s);
}
