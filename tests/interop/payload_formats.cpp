// Streams of other encoders through parley's payload formats, as files: `pay FORMAT IN OUT` makes
// RTP packets of a stream, `depay FORMAT IN OUT` a stream of packets. H264 streams are in annex B
// form with access unit delimiters, VP9 and AV1 in IVF; packets are framed by RFC 4571.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "parley/base/random.hpp"
#include "parley/base/sequence.hpp"
#include "parley/jitter/frame_assembler.hpp"
#include "parley/rtp/av1.hpp"
#include "parley/rtp/h264.hpp"
#include "parley/rtp/packet.hpp"

using namespace parley;
using namespace parley::rtp;

namespace {

using ByteVector = std::vector<std::uint8_t>;
constexpr std::size_t kIvfHeader = 32;
constexpr std::size_t kIvfFrameHeader = 12;

ByteVector read_file(const char* name) {
  std::ifstream file{name, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

bool write_file(const char* name, const ByteVector& bytes) {
  std::ofstream file{name, std::ios::binary};
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  return file.good();
}

void append_le(ByteVector& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::vector<EncodedVideo> read_h264(const ByteVector& stream) {
  std::vector<EncodedVideo> frames;
  for (const Bytes nal : h264::split_annex_b(stream)) {
    const auto type = h264::nal_type(nal);
    if (type == h264::kAccessUnitDelimiter || frames.empty()) frames.emplace_back();
    frames.back().key_frame |= type == h264::kIdrSlice;
    h264::append_annex_b(nal, frames.back().data);
  }
  return frames;
}

bool is_key_frame(const std::string& format, const ByteVector& data) {
  if (format == "VP9") return (data[0] & 0x04) == 0;  // profiles 0 to 2
  const auto obus = av1::split_obus(data);
  if (!obus) return false;
  for (const auto& obu : *obus) {
    if (obu.type() == av1::kSequenceHeader) return true;
  }
  return false;
}

std::vector<EncodedVideo> read_ivf(const std::string& format, const ByteVector& file) {
  std::vector<EncodedVideo> frames;
  for (std::size_t at = kIvfHeader; at + kIvfFrameHeader <= file.size();) {
    const std::size_t size = file[at] | std::size_t{file[at + 1]} << 8 |
                             std::size_t{file[at + 2]} << 16 | std::size_t{file[at + 3]} << 24;
    at += kIvfFrameHeader;
    if (size == 0 || size > file.size() - at) break;
    EncodedVideo frame;
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at);
    frame.data.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
    frame.key_frame = is_key_frame(format, frame.data);
    frames.push_back(std::move(frame));
    at += size;
  }
  return frames;
}

int pay(const std::string& format, const char* in, const char* out) {
  const ByteVector file = read_file(in);
  auto frames = format == "H264" ? read_h264(file) : read_ivf(format, file);
  SeededRandom random{1};
  const auto packetizer =
      make_video_packetizer(format, random, TemporalLayers::off, "packetization-mode=1");
  ByteVector packets;
  std::uint16_t sequence = 65'500;
  std::uint32_t timestamp = 0xFFFF'0000;
  for (EncodedVideo& frame : frames) {
    const auto parts = packetizer->packetize(frame, 1100);
    if (parts.empty()) return 1;
    for (const PayloadPart& part : parts) {
      std::array<std::uint8_t, 1500> storage;
      PacketHeader header;
      header.marker = &part == &parts.back();
      header.payload_type = PayloadType{96};
      header.sequence_number = sequence++;
      header.timestamp = timestamp;
      header.ssrc = Ssrc{0x1234};
      PacketWriter writer{storage, header};
      ByteWriter payload{writer.reserve_payload(part.payload_size())};
      if (!part.write_to(frame.data, payload)) return 1;
      const auto packet = writer.finish();
      packets.push_back(static_cast<std::uint8_t>(packet->size() >> 8));
      packets.push_back(static_cast<std::uint8_t>(packet->size()));
      packets.insert(packets.end(), packet->begin(), packet->end());
    }
    timestamp += 3000;
  }
  std::printf("%zu frames sent\n", frames.size());
  return write_file(out, packets) ? 0 : 1;
}

int depay(const std::string& format, const char* in, const char* out) {
  const ByteVector file = read_file(in);
  const auto depacketizer = make_video_depacketizer(format);
  jitter::FrameAssembler assembler;
  SequenceUnwrapper unwrapper;
  const Timestamp now = Timestamp{} + 1s;
  ByteVector stream;
  if (format != "H264") {
    stream = {'D', 'K', 'I', 'F', 0, 0, kIvfHeader, 0};
    const std::string fourcc = format == "VP9" ? "VP90" : "AV01";
    stream.insert(stream.end(), fourcc.begin(), fourcc.end());
    append_le(stream, 320, 2);
    append_le(stream, 240, 2);
    append_le(stream, 30, 4);
    append_le(stream, 1, 4);
    append_le(stream, 0, 8);
  }
  std::uint64_t frames = 0;
  for (ByteReader reader{file}; !reader.at_end();) {
    const Bytes packet = reader.bytes(reader.u16());
    const auto view = PacketView::parse(packet);
    const auto payload = view ? depacketizer->parse(view->payload()) : std::nullopt;
    if (!reader.ok() || !payload) {
      std::printf("packet refused\n");
      return 1;
    }
    jitter::VideoPacket video;
    video.sequence = unwrapper.unwrap(view->sequence_number());
    video.rtp_timestamp = view->timestamp();
    video.marker = view->marker();
    video.payload = *payload;
    assembler.insert(now, video);
    while (auto frame = assembler.poll_frame(now)) {
      if (format != "H264") {
        append_le(stream, frame->video.data.size(), 4);
        append_le(stream, frames, 8);
      }
      stream.insert(stream.end(), frame->video.data.begin(), frame->video.data.end());
      ++frames;
    }
  }
  std::printf("%llu frames received\n", static_cast<unsigned long long>(frames));
  return write_file(out, stream) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::printf("usage: %s pay|depay H264|VP9|AV1 IN OUT\n", argv[0]);
    return 2;
  }
  const std::string verb = argv[1];
  return verb == "pay" ? pay(argv[2], argv[3], argv[4]) : depay(argv[2], argv[3], argv[4]);
}
