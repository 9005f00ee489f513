#include "echo_server/fragment.hpp"

#include "support/catch.hpp"

using namespace echo_server;
using namespace parley;

namespace {

const char* const kFragment =
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n"
    "a=candidate:2 1 udp 2122194687 198.51.100.1 61765 typ host\r\n"
    "a=end-of-candidates\r\n";

const char* const kAnswer =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 13\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=rtpmap:13 CN/8000\r\n"
    "a=candidate:1 1 udp 2130706431 10.0.0.5 4000 typ host\r\n"
    "a=candidate:2 1 udp 2130706430 10.0.1.5 4000 typ host\r\n"
    "a=candidate:3 1 udp 2130706429 127.0.0.1 4000 typ host\r\n"
    "a=candidate:4 1 udp 2130706428 2001:db8::5 4000 typ host\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 97 96 98\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 vp9/90000\r\na=rtpmap:98 rtx/90000\r\n";

}  // namespace

TEST_CASE("a fragment of trickle ICE is read and written", "[echo][rfc8840]") {
  const auto fragment = IceFragment::parse(kFragment);
  REQUIRE(fragment);
  CHECK(fragment->ufrag == "EsAw");
  CHECK(fragment->password == "P2uYro0UCOQ4zxjKXaWCBui1");
  REQUIRE(fragment->candidates.size() == 2);
  CHECK(fragment->candidates[1].mid == "0");
  CHECK(fragment->candidates[1].line == "candidate:2 1 udp 2122194687 198.51.100.1 61765 typ host");
  CHECK(fragment->end_of_candidates);
  const auto again = IceFragment::parse(fragment->to_string());
  REQUIRE(again);
  CHECK(again->candidates.size() == 2);
  CHECK(again->to_string() == fragment->to_string());
}

TEST_CASE("a fragment without line ends of the web or with its lines in another order is read",
          "[echo][rfc8840]") {
  const auto fragment = IceFragment::parse(
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:a\n\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\n"
      "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901");
  REQUIRE(fragment);
  CHECK(fragment->ufrag == "abcd");
  CHECK(fragment->candidates.at(0).mid == "a");
  CHECK_FALSE(fragment->end_of_candidates);
}

TEST_CASE("a malformed fragment is refused", "[echo][rfc8840]") {
  CHECK(IceFragment::parse("{\"candidate\":1}").error().code == Errc::syntax);
  CHECK(IceFragment::parse("a=ice-ufrag:abcd\r\n").error().code == Errc::syntax);
  std::string many;
  for (std::size_t i = 0; i <= kMaxFragmentCandidates; ++i)
    many += "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
  CHECK(IceFragment::parse(many).error().code == Errc::too_large);
}

TEST_CASE("an offer with the credentials of a fragment is the next version of itself",
          "[echo][rfc9725]") {
  const auto description = sdp::Description::parse(kAnswer);
  const auto fragment = IceFragment::parse(kFragment);
  REQUIRE(description);
  REQUIRE(fragment);
  const auto offer = with_ice(*description, *fragment);
  CHECK(offer.origin.session_version == description->origin.session_version + 1);
  for (const sdp::Media& media : offer.media) {
    CHECK(media.transport.ice_ufrag == "EsAw");
    CHECK(media.transport.ice_pwd == "P2uYro0UCOQ4zxjKXaWCBui1");
  }
  CHECK(offer.media[0].candidates.size() == 2);
  CHECK(offer.media[1].candidates.empty());
  const auto ice = ice_of(offer);
  REQUIRE(ice);
  CHECK(ice->ufrag == "EsAw");
  CHECK(ice->candidates.size() == 2);
}

TEST_CASE("codecs are listed in the order of the offer without those for repair", "[echo]") {
  const auto description = sdp::Description::parse(kAnswer);
  REQUIRE(description);
  CHECK(codecs_in(*description, MediaKind::video) == std::vector<std::string>{"VP9", "VP8"});
  CHECK(codecs_in(*description, MediaKind::audio) == std::vector<std::string>{"OPUS"});
}
