// Description::parse: the lines of a description in their order.
#include <algorithm>
#include <array>
#include <string>

#include "parley/sdp/description.hpp"
#include "sdp/attribute_reader.hpp"
#include "sdp/text.hpp"

namespace parley::sdp {
namespace {

using text::number;
using text::take_until;
using text::take_word;

/// Payload types with a meaning of their own (RFC 3551 section 6); the rest needs a=rtpmap.
struct StaticFormat {
  std::uint8_t payload_type;
  const char* name;
  int clock_rate;
  int channels;
};
constexpr std::array kStaticFormats{
    StaticFormat{0, "PCMU", 8000, 1},    StaticFormat{3, "GSM", 8000, 1},
    StaticFormat{4, "G723", 8000, 1},    StaticFormat{8, "PCMA", 8000, 1},
    StaticFormat{9, "G722", 8000, 1},    StaticFormat{10, "L16", 44100, 2},
    StaticFormat{11, "L16", 44100, 1},   StaticFormat{13, "CN", 8000, 1},
    StaticFormat{15, "G728", 8000, 1},   StaticFormat{18, "G729", 8000, 1},
    StaticFormat{26, "JPEG", 90'000, 1}, StaticFormat{34, "H263", 90'000, 1},
};

void name_static_formats(Media& media) {
  for (Format& f : media.formats) {
    if (!f.name.empty()) continue;
    for (const StaticFormat& s : kStaticFormats) {
      if (f.payload_type.value() != s.payload_type) continue;
      f.name = s.name;
      f.clock_rate = s.clock_rate;
      f.channels = s.channels;
    }
  }
}

/// Types that stand before c= (RFC 8866 section 5); others follow t=.
bool stands_early(const std::string& line) {
  return line[0] == 'i' || line[0] == 'u' || line[0] == 'e' || line[0] == 'p';
}

/// Reads one description. `line_` counts from 1 for error texts.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<Description> run() {
    if (rest_.size() > kMaxDescriptionBytes) {
      return Error{Errc::too_large, "description of more than 1 MiB"};
    }
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // files from editors have it
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    bool first = true;
    while (!rest_.empty()) {
      ++line_;
      std::string_view line = take_until(rest_, '\n');
      // CR CR LF comes of programs that turn LF to CR LF in what has CR LF.
      while (line.ends_with('\r')) line.remove_suffix(1);
      line = text::trim(line);
      if (line.empty()) continue;
      if (!check(line)) return error();
      if (first ? line != "v=0" : !handle(line[0], text::trim(line.substr(2)))) {
        return first ? fail("a description begins with v=0"), error() : error();
      }
      first = false;
    }
    if (first) return Error{Errc::syntax, "empty description"};
    finish_section();
    return std::move(description_);
  }

 private:
  bool fail(std::string reason, Errc code = Errc::syntax) {
    error_ = Error{code, "line " + std::to_string(line_) + ": " + std::move(reason)};
    return false;
  }
  Error error() { return error_; }

  bool check(std::string_view line) {
    if (line.size() > kMaxLineBytes) return fail("too long", Errc::too_large);
    if (line.size() < 2 || line[1] != '=') return fail("not of the form x=...");
    const bool control = std::any_of(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
    });
    if (control) return fail("control character");
    if (++lines_in_section_ > kMaxLinesPerSection) {
      return fail("section of too many lines", Errc::too_large);
    }
    return true;
  }

  Media* media() { return description_.media.empty() ? nullptr : &description_.media.back(); }

  bool handle(char type, std::string_view value) {
    if (type == 'm') return handle_media(value);
    if (type == 'a') return handle_attribute(value);
    if (type == 'c') return handle_connection(value);
    if (type == 'b' && handle_bandwidth(value)) return true;
    if (media() == nullptr) {
      if (type == 'v') return fail("second v= line");
      if (type == 'o') return handle_origin(value);
      if (type == 's') {
        description_.name = value.empty() ? "-" : std::string(value);
        return true;
      }
      if (type == 't' && !seen_timing_) {
        seen_timing_ = true;
        if (!value.empty()) description_.timing = value;
        return true;
      }
    }
    keep_line(type, value);
    return true;
  }

  void keep_line(char type, std::string_view value) {
    std::string line{type, '='};
    line += value;
    (media() != nullptr ? media()->other_lines : description_.other_lines)
        .push_back(std::move(line));
  }

  /// "- 4611731400430051336 2 IN IP4 127.0.0.1" (RFC 8866 section 5.2).
  bool handle_origin(std::string_view value) {
    if (seen_origin_) return fail("second o= line");
    seen_origin_ = true;
    Origin& o = description_.origin;
    o.username = take_word(value);
    o.session_id = take_word(value);
    const auto version = number<std::uint64_t>(take_word(value));
    o.address = text::single_spaced(value);
    if (o.session_id.empty() || !version || o.address.empty()) return fail("broken o= line");
    o.session_version = *version;
    return true;
  }

  bool handle_connection(std::string_view value) {
    std::string& field = media() != nullptr ? media()->connection : description_.connection;
    if (value.empty()) return fail("empty c= line");
    if (field.empty()) {
      field = text::single_spaced(value);
    } else {
      keep_line('c', value);
    }
    return true;
  }

  bool handle_bandwidth(std::string_view value) {
    Bandwidth b;
    b.type = text::trim(take_until(value, ':'));
    const auto n = number<std::uint64_t>(text::trim(value));
    if (b.type.empty() || !n) return false;
    b.value = *n;
    (media() != nullptr ? media()->bandwidths : description_.bandwidths).push_back(std::move(b));
    return true;
  }

  /// "audio 9 UDP/TLS/RTP/SAVPF 111 0" (RFC 8866 section 5.14).
  bool handle_media(std::string_view value) {
    finish_section();
    if (description_.media.size() == kMaxMediaSections) {
      return fail("too many media sections", Errc::too_large);
    }
    Media m;
    m.kind = take_word(value);
    std::string_view port = take_word(value);
    const auto n = number<std::uint16_t>(take_until(port, '/'));
    m.protocol = take_word(value);
    if (m.kind.empty() || !n || m.protocol.empty()) return fail("broken m= line");
    m.port = *n;
    const bool rtp = m.protocol.find("RTP") != std::string::npos;
    for (auto word = take_word(value); !word.empty(); word = take_word(value)) {
      if (!rtp) {
        m.other_formats.emplace_back(word);
        continue;
      }
      const auto type = number<std::uint8_t>(word);
      if (!type || *type > 127) return fail("payload type that is not 0 to 127");
      if (m.find_format(PayloadType{*type}) == nullptr) {
        m.formats.push_back(Format{PayloadType{*type}, "", 0, 1, "", {}});
      }
    }
    description_.media.push_back(std::move(m));
    return true;
  }

  bool handle_attribute(std::string_view value) {
    const AttributeText attribute = AttributeText::parse(value);
    if (attribute.name.empty()) return fail("attribute without a name");
    const Outcome outcome = media() != nullptr ? read_media_attribute(*media(), attribute)
                                               : read_session_attribute(description_, attribute);
    if (outcome == Outcome::broken) return fail("broken a=" + std::string(attribute.name));
    if (outcome == Outcome::unknown) {
      (media() != nullptr ? media()->other_attributes : description_.other_attributes)
          .emplace_back(value);
    }
    return true;
  }

  /// A section (the session's part included) is complete.
  void finish_section() {
    lines_in_section_ = 0;
    auto& lines = media() != nullptr ? media()->other_lines : description_.other_lines;
    std::stable_partition(lines.begin(), lines.end(), stands_early);
    if (media() != nullptr) name_static_formats(*media());
  }

  std::string_view rest_;
  std::size_t line_ = 0;
  std::size_t lines_in_section_ = 0;
  bool seen_origin_ = false;
  bool seen_timing_ = false;
  Description description_;
  Error error_;
};

}  // namespace

Result<Description> Description::parse(std::string_view text) { return Parser{text}.run(); }

}  // namespace parley::sdp
