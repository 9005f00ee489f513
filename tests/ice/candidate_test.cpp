#include "parley/ice/candidate.hpp"

#include "support/catch.hpp"

using namespace parley;
using namespace parley::ice;

TEST_CASE("the example of RFC 8839 is read and printed", "[ice][rfc8839]") {
  const auto c = Candidate::parse(
      "a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998");
  REQUIRE(c);
  CHECK(c->foundation == "2");
  CHECK(c->component == 1);
  CHECK(c->protocol == Protocol::udp);
  CHECK(c->priority == 1694498815U);
  CHECK(c->address.to_string() == "192.0.2.3:45664");
  CHECK(c->type == CandidateType::server_reflexive);
  REQUIRE(c->related);
  CHECK(c->related->to_string() == "203.0.113.141:8998");
  CHECK(c->is_usable());
  CHECK(c->to_string() ==
        "candidate:2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998");
}

TEST_CASE("candidate lines come back as they were", "[ice][rfc8839]") {
  const auto line = GENERATE(
      "candidate:1 1 udp 2130706431 2001:db8::1 5000 typ host",
      "candidate:abc+/ 1 udp 1 192.0.2.1 1 typ relay raddr 0.0.0.0 rport 0 ufrag gH8+ generation 0 "
      "network-id 3 network-cost 10",
      "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active",
      "candidate:1 1 tcp 1 192.0.2.1 4000 typ srflx raddr :: rport 9 tcptype passive",
      "candidate:1 2 tcp 1 192.0.2.1 4000 typ host tcptype so",
      "candidate:1 1 udp 1 4f1a9a3c-8a0e-4d2e-9a2a-1c2d3e4f5a6b.local 5000 typ host",
      "candidate:1 256 udp 4294967295 192.0.2.1 65535 typ prflx raddr 192.0.2.1 rport 65535");
  const auto c = Candidate::parse(line);
  REQUIRE(c);
  CHECK(c->to_string() == line);
}

TEST_CASE("unusual but clear lines are accepted", "[ice][rfc8839]") {
  const auto line =
      GENERATE("  a=candidate:1  1   UDP 5 192.0.2.1\t7 TYP Host \r\n",
               "candidate:1 1 udp 5 192.0.2.1 7 typ host unknown-name",
               "candidate:1 1 udp 5 192.0.2.1 7 typ host raddr some.name.local rport 7",
               "candidate:1 1 udp 5 192.0.2.1 7 typ host raddr 192.0.2.2 rport 99999",
               "candidate:1 1 udp 5 192.0.2.1 7 typ host tcptype active",
               "candidate:with-hyphen_and_more 1 udp 5 192.0.2.1 7 typ host");
  const auto c = Candidate::parse(line);
  REQUIRE(c);
  CHECK(c->address.to_string() == "192.0.2.1:7");
  CHECK(c->priority == 5);
  CHECK(c->tcp_type == TcpType::none);
}

TEST_CASE("lines that cannot be understood are refused", "[ice][rfc8839]") {
  const auto [line, code] =
      GENERATE(std::pair{"", Errc::syntax}, std::pair{"candidate:", Errc::syntax},
               std::pair{"candidate 1 1 udp 5 192.0.2.1 7 typ host", Errc::syntax},
               std::pair{"candidate:1 0 udp 5 192.0.2.1 7 typ host", Errc::syntax},
               std::pair{"candidate:1 257 udp 5 192.0.2.1 7 typ host", Errc::syntax},
               std::pair{"candidate:1 1 udp -5 192.0.2.1 7 typ host", Errc::syntax},
               std::pair{"candidate:1 1 udp 4294967296 192.0.2.1 7 typ host", Errc::syntax},
               std::pair{"candidate:1 1 udp 5 192.0.2.1 65536 typ host", Errc::syntax},
               std::pair{"candidate:1 1 udp 5 192.0.2.1 7x typ host", Errc::syntax},
               std::pair{"candidate:1 1 udp 5 fe80::1%eth0 7 typ host", Errc::syntax},
               std::pair{"candidate:1 1 udp 5 <b> 7 typ host", Errc::syntax},
               std::pair{"candidate:1 1 udp 5 192.0.2.1 7 host", Errc::syntax},
               std::pair{"candidate:1 1 udp 5 192.0.2.1 7 typ", Errc::syntax},
               std::pair{"candidate:1 1 tcp 5 192.0.2.1 7 typ host", Errc::syntax},
               std::pair{"candidate:1 1 tcp 5 192.0.2.1 7 typ host tcptype other", Errc::syntax},
               std::pair{"candidate:1 1 udp 5 192.0.2.1 7 typ future", Errc::unsupported},
               std::pair{"candidate:1 1 ssltcp 5 192.0.2.1 7 typ host", Errc::unsupported});
  const auto c = Candidate::parse(line);
  INFO(line);
  REQUIRE_FALSE(c);
  CHECK(c.error().code == code);
}

TEST_CASE("length and extensions of a line are bounded", "[ice]") {
  std::string line = "candidate:1 1 udp 5 192.0.2.1 7 typ host";
  for (int i = 0; i < 40; ++i) line += " n" + std::to_string(i) + " v";
  const auto c = Candidate::parse(line);
  REQUIRE(c);
  CHECK(c->extensions.size() == kMaxCandidateExtensions);
  line.append(kMaxCandidateLine, ' ');
  CHECK_FALSE(Candidate::parse(line));
}

TEST_CASE("candidates that hide or lack an address are not usable", "[ice]") {
  CHECK_FALSE(Candidate::parse("candidate:1 1 udp 1 abc.local 5000 typ host")->is_usable());
  CHECK_FALSE(
      Candidate::parse("candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active")->is_usable());
  CHECK_FALSE(Candidate::parse("candidate:1 2 udp 1 192.0.2.1 9 typ host")->is_usable());
}

TEST_CASE("the end of candidates has three spellings", "[ice][rfc8838]") {
  CHECK(is_end_of_candidates(""));
  CHECK(is_end_of_candidates("a=end-of-candidates\r\n"));
  CHECK(is_end_of_candidates("end-of-candidates"));
  CHECK_FALSE(is_end_of_candidates("candidate:1 1 udp 1 192.0.2.1 1 typ host"));
}

TEST_CASE("priorities follow the formulas of RFC 8445", "[ice][rfc8445]") {
  CHECK(candidate_priority(CandidateType::host, 65'535) == 2130706431U);
  CHECK(candidate_priority(CandidateType::server_reflexive, 65'535) == 1694498815U);
  CHECK(candidate_priority(CandidateType::peer_reflexive, 0, 2) == (110U << 24) + 254);
  CHECK(candidate_priority(CandidateType::relayed, 1) == 256 + 255);
  // 2^32 MIN(G,D) + 2 MAX(G,D) + (G>D?1:0)
  CHECK(pair_priority(5, 3) == (std::uint64_t{3} << 32) + 10 + 1);
  CHECK(pair_priority(3, 5) == (std::uint64_t{3} << 32) + 10);
  CHECK(pair_priority(4, 4) == (std::uint64_t{4} << 32) + 8);
}
