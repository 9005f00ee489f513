#include "parley/stun/uri.hpp"

#include "support/catch.hpp"

using namespace parley;
using namespace parley::stun;

TEST_CASE("server URIs of RFC 7064 and RFC 7065 are read", "[stun][rfc7064][rfc7065]") {
  struct Row {
    const char* text;
    UriScheme scheme;
    const char* host;
    int port;
    UriTransport transport;
  };
  const auto row = GENERATE(
      Row{"stun:example.org", UriScheme::stun, "example.org", 3478, UriTransport::udp},
      Row{"STUN:example.org:8000", UriScheme::stun, "example.org", 8000, UriTransport::udp},
      Row{"stuns:example.org", UriScheme::stuns, "example.org", 5349, UriTransport::tcp},
      Row{"turn:192.0.2.1", UriScheme::turn, "192.0.2.1", 3478, UriTransport::udp},
      Row{"turn:[2001:db8::1]:99", UriScheme::turn, "2001:db8::1", 99, UriTransport::udp},
      Row{"stun:[2001:db8::1]", UriScheme::stun, "2001:db8::1", 3478, UriTransport::udp},
      Row{"turn:a-b.example?transport=tcp", UriScheme::turn, "a-b.example", 3478,
          UriTransport::tcp},
      Row{"turns:example.org?transport=TCP", UriScheme::turns, "example.org", 5349,
          UriTransport::tcp},
      Row{"turns:example.org:443?transport=udp", UriScheme::turns, "example.org", 443,
          UriTransport::udp});
  const auto uri = ServerUri::parse(row.text);
  REQUIRE(uri);
  CHECK(uri->scheme == row.scheme);
  CHECK(uri->host == row.host);
  CHECK(uri->port == row.port);
  CHECK(uri->transport == row.transport);
}

TEST_CASE("server URIs that say something else are refused", "[stun][rfc7064][rfc7065]") {
  const auto [text, code] = GENERATE(
      std::pair{"", Errc::syntax}, std::pair{"stun", Errc::syntax},
      std::pair{"stun:", Errc::syntax}, std::pair{"http:example.org", Errc::unsupported},
      std::pair{"stun://example.org", Errc::syntax},
      std::pair{"stun:user@example.org", Errc::syntax},
      std::pair{"stun:example.org:", Errc::syntax}, std::pair{"stun:example.org:0", Errc::syntax},
      std::pair{"stun:example.org:65536", Errc::syntax},
      std::pair{"stun:[2001:db8::1", Errc::syntax}, std::pair{"stun:[example.org]", Errc::syntax},
      std::pair{"stun:2001:db8::1", Errc::syntax},
      std::pair{"stun:example.org?transport=udp", Errc::syntax},
      std::pair{"turn:example.org?", Errc::syntax}, std::pair{"turn:example.org?x=y", Errc::syntax},
      std::pair{"turn:example.org?transport=sctp", Errc::unsupported});
  const auto uri = ServerUri::parse(text);
  INFO(text);
  REQUIRE_FALSE(uri);
  CHECK(uri.error().code == code);
}
