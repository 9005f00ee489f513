// What an application chooses before a connection starts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "parley/base/log.hpp"
#include "parley/base/media.hpp"
#include "parley/base/net.hpp"
#include "parley/base/time.hpp"
#include "parley/base/units.hpp"
#include "parley/dtls/identity.hpp"
#include "parley/dtls/transport.hpp"

namespace parley {

/// A STUN server by its URIs (RFC 7064): "stun:stun.example.org", "stun:[2001:db8::1]:3478".
struct IceServer {
  std::vector<std::string> urls;
};

struct NetworkConfig {
  /// Local addresses to use. Empty: every address of the host that is up, loopback left out.
  std::vector<IpAddress> bind_addresses;
  /// Offer loopback addresses too: for calls within one machine and for tests.
  bool include_loopback = false;
  bool ipv4 = true;
  bool ipv6 = true;
  /// UDP ports to bind, tried in order; 0 to 0 lets the system choose.
  std::uint16_t min_port = 0;
  std::uint16_t max_port = 0;
  /// For hosts behind a 1:1 NAT, as in many clouds: host candidates name the first of these of
  /// their family in the place of the private address. Loopback candidates stay what they are.
  std::vector<IpAddress> public_addresses;
  /// Largest UDP payload sent, in bytes: 1200 passes every path of today (RFC 8831 section 5).
  std::size_t mtu = 1200;
};

struct AudioConfig {
  DataRate bitrate = DataRate::bits_per_second(32'000);
  int channels = 1;   ///< 1 or 2, sent and played
  bool fec = true;    ///< Opus in-band FEC (RFC 7587 section 3.3)
  bool dtx = false;   ///< discontinuous transmission in silence
  int frame_ms = 20;  ///< 10, 20, 40 or 60
  /// Of the Opus encoder, 0 to 10: from 9 to 5 its time falls by more than half, and the quality of
  /// speech hardly.
  int complexity = 9;
};

struct VideoConfig {
  DataRate start_bitrate = DataRate::kilobits_per_second(1000);
  DataRate min_bitrate = DataRate::kilobits_per_second(100);
  DataRate max_bitrate = DataRate::kilobits_per_second(1500);
  double max_frame_rate = 30;
  /// Of the VP8 encoder, 1 to 16: higher is faster and coarser. 0 chooses by picture size.
  int speed = 0;
  /// Take simulcast that a peer offers (RFC 8853): every stream comes out of its own, as
  /// `EncodedVideo::rid` tells. `on_frame` shows the largest of them.
  bool receive_simulcast = false;
};

/// One stream of a sender (W3C RTCRtpEncodingParameters).
struct SendEncoding {
  std::string rid;  ///< 1 to 16 letters and digits; may be empty when there is one encoding
  /// 1 or more: raw pictures are made smaller by this. 0: chosen as W3C does, which is 1 for the
  /// last encoding, 2 for the one before it, then 4 (all, when none of the encodings says).
  double scale_resolution_down_by = 0;
  DataRate max_bitrate;  ///< zero: what its share of the picture size deserves
  bool active = true;
};

/// Of all data channels of a connection together, in bytes unless it says otherwise.
struct DataConfig {
  /// The longest message taken from the peer, told in `a=max-message-size` (RFC 8841 section 6). 0:
  /// any, which lets the peer make us hold as much as it likes.
  std::size_t max_message_size = 256 * 1024;
  /// What `send` takes before the peer has it.
  std::size_t send_buffer = 16 * 1024 * 1024;
  /// What the peer may have sent and the application not yet taken: the default keeps 100 Mbit/s
  /// busy over 200 ms while losses are repaired. Memory is used only for what waits; a hostile peer
  /// can make us hold twice the window and four of the longest messages, which is 25 MiB.
  std::size_t receive_window = 12 * 1024 * 1024;
  std::size_t max_channels = 1024;
  /// Offer SNAP (`a=sctp-init`, draft-hancke-tsvwg-snap): data flows as soon as DTLS is done. A
  /// peer's offer of it is always taken.
  bool snap = false;
};

/// Everything has a default that works in a call between two hosts of one network.
struct Configuration {
  std::vector<IceServer> ice_servers;
  NetworkConfig network;
  /// Codecs of transceivers that name none, by encoding name in order of preference, audio and
  /// video together: "VP8", "H264", "VP9", "AV1", "opus", "PCMU", "PCMA", "G722",
  /// "telephone-event". Empty: opus and VP8, which parley itself codes. The others are carried
  /// encoded (`send_encoded`, `on_encoded_frame`, `on_encoded_audio`).
  std::vector<std::string> codecs;
  AudioConfig audio;
  VideoConfig video;
  DataConfig data;
  /// SRTP profiles, best first. The DTLS server picks.
  std::vector<dtls::SrtpProfile> srtp_profiles = {dtls::SrtpProfile::aead_aes_128_gcm,
                                                  dtls::SrtpProfile::aead_aes_256_gcm,
                                                  dtls::SrtpProfile::aes128_cm_sha1_80};
  /// The certificate; one is made when empty. Sharing one between connections makes set-up cheaper
  /// and lets peers link the connections to one another.
  std::shared_ptr<const dtls::Identity> identity;
  /// How long the video assembler waits for a retransmission before it gives a frame up: at most
  /// this, and no more than a few round trips. A key frame instead costs more than the wait.
  Duration max_video_wait = 1s;
  LogSink* log = nullptr;  ///< outlives the connection
};

}  // namespace parley
