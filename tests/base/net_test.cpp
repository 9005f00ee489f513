#include "parley/base/net.hpp"

#include "support/catch.hpp"

using namespace parley;

TEST_CASE("IPv4 addresses are read strictly", "[base]") {
  CHECK(IpAddress::parse("192.0.2.1") == IpAddress::v4(192, 0, 2, 1));
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d",
                          "1..2.3", "1.2.3.", "+1.2.3.4"}) {
    INFO(bad);
    CHECK_FALSE(IpAddress::parse(bad));
  }
}

TEST_CASE("IPv6 addresses are read in every form of RFC 4291 and printed as RFC 5952 says",
          "[base]") {
  const std::pair<const char*, const char*> cases[] = {
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8::", "2001:db8::"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"::ffff:192.0.2.1", "::ffff:c000:201"},
      {"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
  };
  for (const auto& [text, canonical] : cases) {
    INFO(text);
    const auto ip = IpAddress::parse(text);
    REQUIRE(ip);
    CHECK(ip->to_string() == canonical);
    CHECK(IpAddress::parse(ip->to_string()) == ip);
  }
  for (const char* bad : {":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::",
                          "fe80::1%eth0", "[::1]", "::1:", ":1::", "1:2:3:4:5:6:7:8::", "::g",
                          "1.2.3.4::", "1:2:3:4:5:6:7:192.0.2.1"}) {
    INFO(bad);
    CHECK_FALSE(IpAddress::parse(bad));
  }
}

TEST_CASE("addresses know their scope", "[base]") {
  CHECK(IpAddress::parse("127.9.0.1")->is_loopback());
  CHECK(IpAddress::parse("::1")->is_loopback());
  CHECK(IpAddress::parse("169.254.1.1")->is_link_local());
  CHECK(IpAddress::parse("febf::1")->is_link_local());
  CHECK_FALSE(IpAddress::parse("fec0::1")->is_link_local());
  CHECK(IpAddress::parse("172.31.0.1")->is_private());
  CHECK_FALSE(IpAddress::parse("172.32.0.1")->is_private());
  CHECK(IpAddress::parse("::ffff:1.2.3.4")->is_v4_mapped());
  CHECK(IpAddress::parse("0.0.0.0")->is_any());
  CHECK(IpAddress::parse("239.1.1.1")->is_multicast());
}

TEST_CASE("socket addresses keep brackets around IPv6", "[base]") {
  CHECK(SocketAddress::parse("192.0.2.1:5000")->to_string() == "192.0.2.1:5000");
  CHECK(SocketAddress::parse("[2001:db8::1]:80")->to_string() == "[2001:db8::1]:80");
  for (const char* bad : {"192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "[192.0.2.1]:1", "[::1]",
                          "::1:80", "[::1]80", "192.0.2.1:1x"}) {
    INFO(bad);
    CHECK_FALSE(SocketAddress::parse(bad));
  }
}
