// Which formats of a media section are codecs we can handle, and what belongs to them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parley/sdp/description.hpp"
#include "parley/sdp/transceiver.hpp"

namespace parley::jsep {

/// What a format does: media by itself, or something beside media.
enum class CodecRole {
  primary,
  rtx,        ///< RFC 4588
  red,        ///< RFC 2198
  fec,        ///< ulpfec (RFC 5109, inside red) and the FlexFEC forms
  companion,  ///< telephone-event (RFC 4733), CN (RFC 3389)
};
CodecRole role_of(std::string_view name);

/// Two formats with one key are the same codec: "vp8/90000/1", and for codecs with profiles the
/// part of the parameters that must agree (RFC 6184 section 8.2.2 for H.264).
std::string codec_key(std::string_view name, int clock_rate, int channels, std::string_view fmtp);
std::string codec_key(const CodecCapability& codec);
std::string codec_key(const sdp::Format& format);

/// Numbers that have one meaning over the life of a bundle (RFC 9143 section 10.1.2 for payload
/// types, RFC 8285 section 6 for extension ids).
template <class Number>
class MeaningTable {
 public:
  using Entries = std::vector<std::pair<Number, std::string>>;
  MeaningTable() = default;
  explicit MeaningTable(Entries entries) : entries_(std::move(entries)) {}

  const std::string* meaning(Number n) const {
    for (const auto& [number, key] : entries_) {
      if (number == n) return &key;
    }
    return nullptr;
  }
  const Number* number_of(std::string_view key) const {
    for (const auto& [number, k] : entries_) {
      if (k == key) return &number;
    }
    return nullptr;
  }
  /// True when `n` has or now gets the meaning `key`.
  bool claim(Number n, const std::string& key) {
    const std::string* present = meaning(n);
    if (present == nullptr) entries_.emplace_back(n, key);
    return present == nullptr || *present == key;
  }
  /// `n` means `key` from now on, and is the number to use for it.
  void assign(Number n, const std::string& key) {
    entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                  [n](const auto& e) { return e.first == n; }),
                   entries_.end());
    entries_.emplace(entries_.begin(), n, key);
  }
  const Entries& entries() const { return entries_; }

 private:
  Entries entries_;
};
using PayloadTypeTable = MeaningTable<PayloadType>;
using ExtensionTable = MeaningTable<int>;

/// A format of a section that we can handle.
struct FormatMatch {
  const sdp::Format* format = nullptr;
  const CodecCapability* capability = nullptr;
  const sdp::Format* rtx = nullptr;  ///< its retransmission format, when both sides know it
  std::string key;
  CodecRole role = CodecRole::primary;
};

/// The formats of `media` that `codecs` has too, in the section's order; those that refer to a
/// format that fell out fall out as well, and without a primary one nothing is left. Formats whose
/// number has another meaning in `table` (may be null) fall out; the others claim theirs.
std::vector<FormatMatch> match_formats(const sdp::Media& media,
                                       const std::vector<CodecCapability>& codecs,
                                       PayloadTypeTable* table);

/// The parameters of our answer to `offered`. Of formats that we carry without decoding they are
/// those of the offer: what its level and tier ask for is for the ends to keep, and equal ones in
/// both directions are always allowed (RFC 6184 section 8.2.2).
std::string answer_fmtp(const CodecCapability& codec, const sdp::Format& offered);

/// Feedback that `format` of `media` and `codec` have in common, in the codec's order.
std::vector<std::string> common_feedback(const sdp::Media& media, const sdp::Format& format,
                                         const CodecCapability& codec);

/// What two sections agree on: codecs per direction, primary ones first. We send in the order of
/// the answer, which is the order of who gave preferences last (W3C webrtc-pc section 4.4.1.5,
/// [[SendCodecs]]); we are ready for what comes in the order that we gave.
void negotiate_codecs(const sdp::Media& local, const sdp::Media& remote, bool answer_is_local,
                      const std::vector<CodecCapability>& codecs, NegotiatedMedia& out);

}  // namespace parley::jsep
