// SRTP by libsrtp2.
#pragma once

#include <srtp2/srtp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "parley/srtp/session.hpp"

namespace parley::srtp {

/// The SSRCs that have state in one direction, up to Session::kMaxStreams.
class StreamSet {
 public:
  bool contains(std::uint32_t ssrc) const;
  bool full() const { return ssrcs_.size() >= Session::kMaxStreams; }
  void insert(std::uint32_t ssrc);

 private:
  std::vector<std::uint32_t> ssrcs_;  // Ascending.
  std::uint32_t last_ = 0;            // Most packets belong to the same stream as the one before.
};

/// The newest sequence number sent of each SSRC, which tells new packets from repeated ones.
class SentSequences {
 public:
  /// nullopt for an SSRC of which nothing was sent.
  std::optional<std::uint16_t> newest(std::uint32_t ssrc) const;
  void note(std::uint32_t ssrc, std::uint16_t sequence);

 private:
  std::unordered_map<std::uint32_t, std::uint16_t> newest_;
};

/// The Session of libsrtp2: it does the transforms, this class the bounds, the alignment and the
/// counting.
class LibsrtpSession final : public Session {
 public:
  static Result<std::unique_ptr<Session>> create(Profile profile, MasterKey local,
                                                 MasterKey remote);
  ~LibsrtpSession() override;

  std::optional<MutableBytes> protect_rtp(MutableBytes storage, std::size_t length) override;
  std::optional<MutableBytes> repeat_rtp(MutableBytes storage, std::size_t length) override;
  std::optional<MutableBytes> protect_rtcp(MutableBytes storage, std::size_t length) override;
  std::optional<MutableBytes> unprotect_rtp(MutableBytes packet) override;
  std::optional<MutableBytes> unprotect_rtcp(MutableBytes packet) override;
  const Counters& counters() const override { return counters_; }

 private:
  using Transform = srtp_err_status_t (*)(srtp_t, void*, int*);

  LibsrtpSession() = default;
  std::optional<MutableBytes> protect(Transform transform, std::uint32_t ssrc, MutableBytes storage,
                                      std::size_t length);
  std::optional<MutableBytes> unprotect(Transform transform, std::uint32_t ssrc,
                                        MutableBytes packet);
  srtp_err_status_t apply(Transform transform, srtp_t context, MutableBytes storage, int& length);
  std::nullopt_t count_refused_send(srtp_err_status_t status);
  std::nullopt_t count_drop(srtp_err_status_t status);

  srtp_t send_ = nullptr;
  srtp_t receive_ = nullptr;
  StreamSet sent_streams_;
  StreamSet received_streams_;
  SentSequences sent_sequences_;
  std::vector<std::uint32_t> aligned_;  // For packets that do not begin at a multiple of 4.
  Counters counters_;
};

}  // namespace parley::srtp
