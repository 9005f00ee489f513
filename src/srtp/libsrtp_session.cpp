#include "srtp/libsrtp_session.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "parley/base/assert.hpp"
#include "parley/base/crypto.hpp"
#include "parley/base/sequence.hpp"

namespace parley::srtp {
namespace {

// RFC 3550 sections 5.1 and 6.1: version 2 in the first two bits, and the fixed part of a header.
constexpr std::size_t kRtpHeader = 12;
constexpr std::size_t kRtcpHeader = 8;
constexpr std::size_t kRtpSequenceAt = 2;
constexpr std::size_t kRtpSsrcAt = 8;
constexpr std::size_t kRtcpSsrcAt = 4;
constexpr std::size_t kAlignment = alignof(std::uint32_t);

bool has_header(Bytes packet, std::size_t size) {
  return packet.size() >= size && packet[0] >> 6 == 2;
}

void set_transforms(Profile profile, srtp_policy_t& policy) {
  switch (profile) {
    case Profile::aes128_cm_sha1_80:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
      break;
    case Profile::aead_aes_128_gcm:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
      break;
    case Profile::aead_aes_256_gcm:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
      break;
  }
}

// A context whose streams are all made from one template, on the first packet of each.
srtp_t make_context(Profile profile, srtp_ssrc_type_t direction, MasterKey master) {
  std::array<std::uint8_t, SRTP_MAX_KEY_LEN> key_and_salt{};
  std::copy(master.key.begin(), master.key.end(), key_and_salt.begin());
  std::copy(master.salt.begin(), master.salt.end(), &key_and_salt[master.key.size()]);
  srtp_policy_t policy{};
  set_transforms(profile, policy);
  policy.ssrc.type = direction;
  policy.key = key_and_salt.data();
  policy.window_size = Session::kReplayWindow;
  policy.allow_repeat_tx = 1;  // what repeats, and when, is decided before libsrtp is asked
  srtp_t context = nullptr;
  const srtp_err_status_t status = srtp_create(&context, &policy);
  wipe(key_and_salt);
  return status == srtp_err_status_ok ? context : nullptr;
}

// libsrtp keeps its list of ciphers in globals and wants them set up once per process, before any
// other call. This local is that once, safe with any number of threads. Where libsrtp is built on
// NSS (as in Debian) it also starts NSS with the first context and stops it with the last, which
// takes a millisecond: one context that stays makes all others forty times cheaper.
bool library_ready() {
  static const bool ready = [] {
    if (srtp_init() != srtp_err_status_ok) return false;
    static constexpr std::array<std::uint8_t, 16> kKey{};
    static constexpr std::array<std::uint8_t, 14> kSalt{};
    static srtp_t const stays =
        make_context(Profile::aes128_cm_sha1_80, ssrc_any_inbound, {kKey, kSalt});
    return stays != nullptr;
  }();
  return ready;
}

}  // namespace

bool StreamSet::contains(std::uint32_t ssrc) const {
  if (!ssrcs_.empty() && ssrc == last_) return true;
  return std::binary_search(ssrcs_.begin(), ssrcs_.end(), ssrc);
}

void StreamSet::insert(std::uint32_t ssrc) {
  const auto at = std::lower_bound(ssrcs_.begin(), ssrcs_.end(), ssrc);
  if (at == ssrcs_.end() || *at != ssrc) ssrcs_.insert(at, ssrc);
  last_ = ssrc;
}

std::optional<std::uint16_t> SentSequences::newest(std::uint32_t ssrc) const {
  const auto at = newest_.find(ssrc);
  return at == newest_.end() ? std::nullopt : std::optional{at->second};
}

void SentSequences::note(std::uint32_t ssrc, std::uint16_t sequence) { newest_[ssrc] = sequence; }

Result<std::unique_ptr<Session>> LibsrtpSession::create(Profile profile, MasterKey local,
                                                        MasterKey remote) {
  for (const MasterKey& master : {local, remote}) {
    if (master.key.size() != key_size(profile) || master.salt.size() != salt_size(profile)) {
      return Error{Errc::invalid_argument, "length of SRTP master key or salt"};
    }
  }
  if (!library_ready()) return Error{Errc::crypto, "starting libsrtp"};
  std::unique_ptr<LibsrtpSession> session(new LibsrtpSession);
  session->send_ = make_context(profile, ssrc_any_outbound, local);
  session->receive_ = make_context(profile, ssrc_any_inbound, remote);
  if (session->send_ == nullptr || session->receive_ == nullptr) {
    return Error{Errc::crypto, "making SRTP contexts"};
  }
  return std::unique_ptr<Session>(std::move(session));
}

LibsrtpSession::~LibsrtpSession() {
  if (send_ != nullptr) srtp_dealloc(send_);
  if (receive_ != nullptr) srtp_dealloc(receive_);
}

std::optional<MutableBytes> LibsrtpSession::protect_rtp(MutableBytes storage, std::size_t length) {
  PARLEY_ASSERT(length <= storage.size(), "the packet lies inside its storage");
  if (!has_header(storage.first(length), kRtpHeader)) return ++counters_.malformed, std::nullopt;
  const std::uint32_t ssrc = load_be32(&storage[kRtpSsrcAt]);
  const std::uint16_t sequence = load_be16(&storage[kRtpSequenceAt]);
  const auto newest = sent_sequences_.newest(ssrc);
  if (newest && serial_diff(sequence, *newest) <= 0) return ++counters_.sends_refused, std::nullopt;
  const auto sealed = protect(srtp_protect, ssrc, storage, length);
  if (sealed) sent_sequences_.note(ssrc, sequence);
  return sealed;
}

std::optional<MutableBytes> LibsrtpSession::repeat_rtp(MutableBytes storage, std::size_t length) {
  PARLEY_ASSERT(length <= storage.size(), "the packet lies inside its storage");
  if (!has_header(storage.first(length), kRtpHeader)) return ++counters_.malformed, std::nullopt;
  const std::uint32_t ssrc = load_be32(&storage[kRtpSsrcAt]);
  const auto newest = sent_sequences_.newest(ssrc);
  if (!newest || serial_diff(load_be16(&storage[kRtpSequenceAt]), *newest) > 0) {
    return ++counters_.sends_refused, std::nullopt;
  }
  return protect(srtp_protect, ssrc, storage, length);
}

std::optional<MutableBytes> LibsrtpSession::protect_rtcp(MutableBytes storage, std::size_t length) {
  PARLEY_ASSERT(length <= storage.size(), "the packet lies inside its storage");
  if (!has_header(storage.first(length), kRtcpHeader)) return ++counters_.malformed, std::nullopt;
  return protect(srtp_protect_rtcp, load_be32(&storage[kRtcpSsrcAt]), storage, length);
}

std::optional<MutableBytes> LibsrtpSession::unprotect_rtp(MutableBytes packet) {
  if (!has_header(packet, kRtpHeader)) return ++counters_.malformed, std::nullopt;
  return unprotect(srtp_unprotect, load_be32(&packet[kRtpSsrcAt]), packet);
}

std::optional<MutableBytes> LibsrtpSession::unprotect_rtcp(MutableBytes packet) {
  if (!has_header(packet, kRtcpHeader)) return ++counters_.malformed, std::nullopt;
  return unprotect(srtp_unprotect_rtcp, load_be32(&packet[kRtcpSsrcAt]), packet);
}

std::optional<MutableBytes> LibsrtpSession::protect(Transform transform, std::uint32_t ssrc,
                                                    MutableBytes storage, std::size_t length) {
  PARLEY_ASSERT(length + kMaxTrailer <= storage.size(), "the storage has room for the trailer");
  const bool known = sent_streams_.contains(ssrc);
  if (!known && sent_streams_.full()) return ++counters_.streams_refused, std::nullopt;
  int size = static_cast<int>(length);
  const srtp_err_status_t status = apply(transform, send_, storage, size);
  if (status != srtp_err_status_ok) return count_refused_send(status);
  sent_streams_.insert(ssrc);
  return storage.first(static_cast<std::size_t>(size));
}

std::optional<MutableBytes> LibsrtpSession::unprotect(Transform transform, std::uint32_t ssrc,
                                                      MutableBytes packet) {
  // libsrtp makes state for an SSRC with its first authentic packet, so the bound is checked before
  // that and the place taken after it: forged packets take none.
  const bool known = received_streams_.contains(ssrc);
  if (!known && received_streams_.full()) return ++counters_.streams_refused, std::nullopt;
  int size = static_cast<int>(packet.size());
  const srtp_err_status_t status = apply(transform, receive_, packet, size);
  if (status != srtp_err_status_ok) return count_drop(status);
  received_streams_.insert(ssrc);
  return packet.first(static_cast<std::size_t>(size));
}

// libsrtp reads headers through pointers to 32-bit words; a packet elsewhere makes a detour.
srtp_err_status_t LibsrtpSession::apply(Transform transform, srtp_t context, MutableBytes storage,
                                        int& length) {
  if (reinterpret_cast<std::uintptr_t>(storage.data()) % kAlignment == 0) {
    return transform(context, storage.data(), &length);
  }
  const auto before = static_cast<std::size_t>(length);
  aligned_.resize((before + kMaxTrailer) / kAlignment + 1);
  std::memcpy(aligned_.data(), storage.data(), before);
  const srtp_err_status_t status = transform(context, aligned_.data(), &length);
  if (status == srtp_err_status_ok) {
    std::memcpy(storage.data(), aligned_.data(), static_cast<std::size_t>(length));
  }
  return status;
}

std::nullopt_t LibsrtpSession::count_refused_send(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_key_expired:
      ++counters_.sends_refused;
      break;
    default:
      ++counters_.malformed;
      break;
  }
  return std::nullopt;
}

std::nullopt_t LibsrtpSession::count_drop(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_auth_fail:
      ++counters_.authentication_failures;
      break;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
      ++counters_.replays;
      break;
    default:
      ++counters_.malformed;
      break;
  }
  return std::nullopt;
}

}  // namespace parley::srtp
