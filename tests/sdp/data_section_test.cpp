// The data section (RFC 8841).
#include "sdp/jsep_peer.hpp"

using namespace parley;
using namespace parley::jsep;
using namespace parley::jsep::test;

TEST_CASE("Data sections agree on ports and message sizes", "[jsep][rfc8841]") {
  const auto agreed = [](const std::string& lines) {
    Peer b(2);
    b.set_remote(SdpType::offer, kHead + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" +
                                     lines + kTransport);
    b.set_local(SdpType::answer, b.answer());
    REQUIRE(b.told<DataNegotiated>().size() == 1);
    return *b.state.data.negotiated;
  };
  CHECK(agreed("a=sctp-port:5001\r\n").remote_port == 5001);
  CHECK(agreed("a=sctp-port:5001\r\n").local_port == 5000);
  CHECK(agreed("").max_message_size == 65'536);
  CHECK(agreed("a=max-message-size:0\r\n").max_message_size == sdp::kUnlimitedMessageSize);
  CHECK(agreed("a=max-message-size:1000\r\n").max_message_size == 1000);
}

TEST_CASE("A session without data channels rejects data sections", "[jsep][rfc8841]") {
  Config config = default_config();
  config.data_channels = false;
  Peer a(1);
  Peer b(2, config);
  a.track(MediaKind::audio);
  REQUIRE(want_data(a.state));
  CHECK_FALSE(want_data(b.state));
  negotiate(a, b);
  CHECK(b.state.current_local->media[1].is_rejected());
  CHECK(a.told<DataRejected>().size() == 1);
  CHECK_FALSE(a.state.data.section);
  CHECK_FALSE(a.state.data.negotiated);
  CHECK_FALSE(negotiation_needed(a.state));
}

TEST_CASE("Only the first data section is taken", "[jsep][rfc8841]") {
  Peer b(2);
  b.set_remote(SdpType::offer, kHead + "a=group:BUNDLE 0 1\r\n" + kData + kTransport +
                                   "a=mid:0\r\n" + kData + kTransport + "a=mid:1\r\n");
  const auto answer = b.answer();
  CHECK_FALSE(answer.media[0].is_rejected());
  CHECK(answer.media[1].is_rejected());
}
