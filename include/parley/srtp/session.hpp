// SRTP: RTP and RTCP packets protected and unprotected in place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "parley/base/bytes.hpp"
#include "parley/base/result.hpp"

namespace parley::srtp {

/// Protection profiles with the code points of the DTLS extension (RFC 5764 section 4.1.2, RFC 7714
/// section 14.2), so that a value translates by its number.
enum class Profile : std::uint16_t {
  aes128_cm_sha1_80 = 0x0001,
  aead_aes_128_gcm = 0x0007,
  aead_aes_256_gcm = 0x0008,
};

/// Lengths in bytes: AES-CM 16 + 14, AES-128-GCM 16 + 12, AES-256-GCM 32 + 12.
std::size_t key_size(Profile profile);
std::size_t salt_size(Profile profile);

/// The master key and salt of one direction, borrowed for the call.
struct MasterKey {
  Bytes key;
  Bytes salt;
};

/// Room that must follow a packet handed to `protect_*`: the tag (16 bytes for GCM, 10 for SHA-1)
/// and, for RTCP, the index word; rounded up.
inline constexpr std::size_t kMaxTrailer = 24;

/// Packets that were not passed on, by reason.
struct Counters {
  std::uint64_t authentication_failures = 0;  ///< Forged, damaged, or another key.
  std::uint64_t replays = 0;                  ///< Seen before, or older than the window.
  std::uint64_t malformed = 0;                ///< Not an RTP or RTCP packet.
  std::uint64_t streams_refused = 0;          ///< A new SSRC while all places are taken.
  std::uint64_t sends_refused = 0;  ///< Of an index used before or not yet, or keys exhausted.
};

/// Both directions of one association (RFC 3711, RFC 7714), for all of its SSRCs. Owns its keys,
/// which are wiped on destruction. One sequence of execution.
///
/// Rollover counters follow RFC 3711 section 3.3.1 and appendix A: the index is guessed from the
/// highest one seen and changes only after authentication. State per SSRC is kept for the life of
/// the session, so that a stream may pause and go on. Replay windows are kept per SSRC, apart for
/// RTP and RTCP (there 128 packets).
class Session {
 public:
  /// RTP packets behind the newest that are still accepted, per SSRC: enough for a retransmission
  /// that is 300 ms late at 3000 packets per second.
  static constexpr std::size_t kReplayWindow = 1024;
  /// SSRCs per direction. A further one is refused and counted (a peer with the keys could
  /// otherwise fill the memory).
  static constexpr std::size_t kMaxStreams = 1024;

  /// Errors: invalid_argument when a key or salt does not have the profile's length; crypto.
  static Result<std::unique_ptr<Session>> create(Profile profile, MasterKey local,
                                                 MasterKey remote);
  virtual ~Session() = default;

  /// Protects the packet in the first `length` bytes of `storage`, which has kMaxTrailer more, and
  /// returns the protected packet, a view of `storage`. nullopt, and counted, when it is not an RTP
  /// packet or when its sequence number does not follow those of its SSRC: a second packet under
  /// the same nonce would give the key away (RFC 7714 section 8.4).
  virtual std::optional<MutableBytes> protect_rtp(MutableBytes storage, std::size_t length) = 0;
  /// Protects once more what `protect_rtp` was given before, for a peer that has lost it and knows
  /// no RTX. The caller vouches that not a byte differs: then the result is the one already sent
  /// and discloses nothing. nullopt, and counted, when its number was not sent, or is more than
  /// kReplayWindow behind.
  virtual std::optional<MutableBytes> repeat_rtp(MutableBytes storage, std::size_t length) = 0;
  /// The same for a compound or reduced-size RTCP packet.
  virtual std::optional<MutableBytes> protect_rtcp(MutableBytes storage, std::size_t length) = 0;

  /// Checks and decrypts `packet` in place and returns what is left of it. nullopt, and counted,
  /// when it is not authentic or was there before; its bytes are then unspecified.
  virtual std::optional<MutableBytes> unprotect_rtp(MutableBytes packet) = 0;
  virtual std::optional<MutableBytes> unprotect_rtcp(MutableBytes packet) = 0;

  virtual const Counters& counters() const = 0;
};

}  // namespace parley::srtp
