#include "loopback_call/call.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "loopback_call/text.hpp"

namespace loopback_call {
namespace {

using parley::ConnectionState;
using parley::Duration;
using parley::Error;
using parley::MediaKind;
using parley::Result;
using parley::Timestamp;
using namespace std::chrono_literals;

constexpr Duration kBlock = 10ms;
constexpr std::size_t kBlockSamples = parley::kSamplesPer10Ms;
constexpr Duration kLongestSetup = 30s;
/// How long sound may take from end to end beyond the network's delay: what the meter looks
/// through.
constexpr Duration kLongestBuffering = 1s;
/// How long, beyond the network's delay, the last pictures may take to arrive.
constexpr Duration kLongestDrain = 700ms;

Result<parley::Transceiver> find_transceiver(const parley::PeerConnection& pc, MediaKind kind) {
  for (const parley::Transceiver& t : pc.transceivers())
    if (t.kind() == kind) return t;
  return Error{parley::Errc::not_found, "the offer has no section of this kind"};
}

}  // namespace

struct Call::End {
  EndSetup setup;
  std::unique_ptr<parley::PeerConnection> pc;
  std::optional<parley::Transceiver> audio;
  std::optional<parley::Transceiver> video;
  std::unique_ptr<Recorder> recorder;
  bool connected = false;
  std::int64_t pictures_sent = 0;
  std::int64_t blocks_said = 0;
  std::int64_t blocks_played = 0;
  std::optional<std::uint32_t> last_sent;   ///< RTP timestamp of the newest picture
  std::optional<std::uint32_t> last_shown;  ///< of the other end's newest picture that came
  std::size_t frames_in_samples = 0;        ///< shown frames that a second has counted already

  /// The mean PSNR of what was shown since this was last asked.
  std::optional<double> take_psnr() {
    const auto& shown = recorder->shown();
    if (shown.size() == frames_in_samples) return std::nullopt;
    double sum = 0;
    for (std::size_t i = frames_in_samples; i < shown.size(); ++i) sum += shown[i].psnr_db;
    const auto count = static_cast<double>(shown.size() - frames_in_samples);
    frames_in_samples = shown.size();
    return sum / count;
  }
};

Call::Call(CallConfig config, EndSetup a, EndSetup b)
    : config_(std::move(config)), setups_{std::move(a), std::move(b)} {}

Call::~Call() { *alive_ = false; }

const Recorder& Call::recorder(Side at) const { return *end(at).recorder; }

Timestamp Call::now() const { return end(Side::a).setup.driver->now(); }
double Call::last_second_s() const {
  return timeline_.seconds().empty() ? 0 : timeline_.seconds().back().at_s;
}

double Call::elapsed_s() const { return parley::to_seconds(now() - media_at_); }

void Call::schedule(Side side, Timestamp at, void (Call::*step)(Side)) {
  end(side).setup.driver->post_at(at, [this, alive = alive_, side, step] {
    if (*alive && phase_ != Phase::over) (this->*step)(side);
  });
}

void Call::schedule(Timestamp at, void (Call::*step)()) {
  end(Side::a).setup.driver->post_at(at, [this, alive = alive_, step] {
    if (*alive) (this->*step)();
  });
}

// --- Setting up
// ------------------------------------------------------------------------------------

Result<void> Call::start() {
  auto stats = StatsJsonWriter::create(config_.out / "stats.json");
  if (!stats) return stats.error();
  stats_ = std::move(stats).value();
  for (const Side side : {Side::a, Side::b})
    if (auto ok = create_end(side, std::move(setups_[static_cast<std::size_t>(side)])); !ok)
      return ok;
  for (const Side side : {Side::a, Side::b})
    if (auto ok = create_recorder(side); !ok) return ok;
  offer_at_ = now();
  if (auto ok = negotiate(); !ok) return ok;
  schedule(now() + kLongestSetup, &Call::give_up_connecting);
  return {};
}

Result<void> Call::create_end(Side side, EndSetup setup) {
  auto& made = ends_[static_cast<std::size_t>(side)];
  made = std::make_unique<End>();
  made->setup = std::move(setup);

  parley::Configuration config;
  config.network.bind_addresses = {made->setup.address};
  config.network.include_loopback = true;
  config.video.start_bitrate = config_.bitrate;
  config.video.max_bitrate = config_.bitrate;
  config.video.min_bitrate = std::min(config.video.min_bitrate, config_.bitrate);
  config.video.max_frame_rate = made->setup.pictures->format().rate.per_second();
  // A picture that stands still for most of a second is better than one that waits for a key frame.
  config.max_video_wait = 1s;
  config.identity = made->setup.identity;
  if (made->setup.effort == EndSetup::Effort::low) {
    config.video.speed = 16;
    config.audio.complexity = 0;
  }
  auto pc = parley::PeerConnection::create(*made->setup.driver, config);
  if (!pc) return pc.error();
  made->pc = std::move(pc).value();

  made->pc->on_connection_state_change([this, side](ConnectionState s) { handle_state(side, s); });
  made->pc->on_ice_candidate(
      [this, side](const parley::IceCandidate& candidate) { handle_candidate(side, candidate); });
  return {};
}

/// What this end will receive. Made before the call: opening files takes its time.
Result<void> Call::create_recorder(Side side) {
  End& e = end(side);
  const End& peer = end(other(side));
  RecorderConfig recording;
  const std::string name = side == Side::a ? "a" : "b";
  recording.wav = config_.out / (name + "-received.wav");
  recording.y4m = config_.out / (name + "-received.y4m");
  recording.format = peer.setup.pictures->format();
  recording.length = config_.length;
  recording.first_sample = peer.setup.first_sample;
  recording.longest_delay =
      kLongestBuffering + config_.impairment.delay + config_.impairment.jitter;
  auto recorder = Recorder::create(*e.setup.driver, *config_.speech, recording);
  if (!recorder) return recorder.error();
  e.recorder = std::move(recorder).value();
  return {};
}

/// Offer and answer, by hand: here is where a signalling server would be.
Result<void> Call::negotiate() {
  parley::PeerConnection& a = *end(Side::a).pc;
  parley::PeerConnection& b = *end(Side::b).pc;
  for (const MediaKind kind : {MediaKind::audio, MediaKind::video})
    if (const auto t = a.add_transceiver(kind); !t) return t.error();

  const auto offer = a.create_offer();
  if (!offer) return offer.error();
  if (const auto ok = a.set_local_description(*offer); !ok) return ok;
  if (const auto ok = b.set_remote_description(*offer); !ok) return ok;
  // b was asked; it has something to say too.
  for (parley::Transceiver& t : b.transceivers())
    if (const auto ok = t.set_direction(parley::Direction::sendrecv); !ok) return ok;
  const auto answer = b.create_answer();
  if (!answer) return answer.error();
  if (const auto ok = b.set_local_description(*answer); !ok) return ok;
  if (const auto ok = a.set_remote_description(*answer); !ok) return ok;

  for (const Side side : {Side::a, Side::b}) {
    End* const e = &end(side);
    const auto audio = find_transceiver(*e->pc, MediaKind::audio);
    const auto video = find_transceiver(*e->pc, MediaKind::video);
    if (!audio) return audio.error();
    if (!video) return video.error();
    e->audio = *audio;
    e->video = *video;
    e->video->on_frame([this, side](const parley::VideoFrame& frame) { show(side, frame); });
  }
  return {};
}

void Call::handle_candidate(Side side, parley::IceCandidate candidate) {
  if (config_.relay != nullptr) {
    auto rewritten = config_.relay->rewrite(side, candidate.candidate);
    if (!rewritten) return fail("relay: " + rewritten.error().to_string());
    candidate.candidate = std::move(rewritten).value();
  }
  if (const auto ok = end(other(side)).pc->add_ice_candidate(candidate); !ok)
    fail("candidate refused: " + ok.error().to_string());
}

void Call::handle_state(Side side, ConnectionState state) {
  End& e = end(side);
  if (state == ConnectionState::failed) return fail("connection failed: " + e.pc->failure_reason());
  if (state != ConnectionState::connected) return;
  e.connected = true;
  if (phase_ == Phase::connecting && end(other(side)).connected) begin_media();
}

void Call::give_up_connecting() {
  if (phase_ == Phase::connecting)
    fail("the two ends did not connect within " + fixed(parley::to_seconds(kLongestSetup), 0) +
         " s");
}

// --- Media
// -----------------------------------------------------------------------------------------

void Call::begin_media() {
  phase_ = Phase::media;
  media_at_ = now();
  summary_.setup_ms = parley::to_milliseconds(media_at_ - offer_at_);
  for (const auto& e : ends_) e->recorder->begin(media_at_);
  for (const Side side : {Side::a, Side::b}) {
    send_picture(side);
    schedule(side, media_at_ + kBlock, &Call::send_sound);
    play_sound(side);
  }
  schedule(media_at_ + 1s, &Call::take_sample);
  schedule(media_at_ + config_.length, &Call::end_pictures);
}

void Call::send_picture(Side side) {
  if (phase_ != Phase::media) return;
  End& e = end(side);
  const FrameRate rate = e.setup.pictures->format().rate;
  const auto time_of = [&](std::int64_t number) {
    return media_at_ + Duration{number * 1'000'000 * rate.denominator / rate.numerator};
  };
  const std::int64_t number = e.pictures_sent++;
  const auto picture = e.setup.pictures->picture(e.setup.first_picture + number);
  if (!picture) return fail(picture.error().to_string());
  parley::VideoFrame frame;
  frame.picture = *picture;
  frame.capture_time = time_of(number);
  const auto sent = e.video->send(frame);
  if (!sent) return fail("sending a picture: " + sent.error().to_string());
  e.last_sent = *sent;
  end(other(side)).recorder->handle_sent(*sent, *picture);
  schedule(side, time_of(e.pictures_sent), &Call::send_picture);
}

void Call::send_sound(Side side) {
  End& e = end(side);
  // A block is complete, and sent, when its last sample was captured.
  std::array<std::int16_t, kBlockSamples> block{};
  const auto samples = static_cast<std::int64_t>(kBlockSamples);
  config_.speech->read(e.setup.first_sample + e.blocks_said * samples, block);
  ++e.blocks_said;
  if (const auto sent = e.audio->send(block); !sent)
    return fail("sending sound: " + sent.error().to_string());
  schedule(side, media_at_ + kBlock * (e.blocks_said + 1), &Call::send_sound);
}

void Call::play_sound(Side side) {
  End& e = end(side);
  parley::AudioBlock block;
  e.audio->read(block);
  e.recorder->handle_audio(block);
  ++e.blocks_played;
  schedule(side, media_at_ + kBlock * e.blocks_played, &Call::play_sound);
}

void Call::show(Side side, const parley::VideoFrame& frame) {
  End& e = end(side);
  e.last_shown = frame.rtp_timestamp;
  e.recorder->handle_frame(frame, now());
}

void Call::take_sample() {
  if (phase_ == Phase::over) return;
  const auto a = end(Side::a).pc->get_stats();
  const auto b = end(Side::b).pc->get_stats();
  stats_->add_sample(elapsed_s(), a, b);
  const Second& second =
      timeline_.add(elapsed_s(), a, b, end(Side::b).take_psnr(), end(Side::a).take_psnr());
  if (config_.on_second) config_.on_second(second);
  const auto next = static_cast<std::int64_t>(timeline_.seconds().size() + 1);
  if (1s * next <= config_.length) schedule(media_at_ + 1s * next, &Call::take_sample);
}

// --- The end
// ---------------------------------------------------------------------------------------

void Call::end_pictures() {
  if (phase_ != Phase::media) return;
  phase_ = Phase::draining;
  drain();
}

/// Sound goes on until the last pictures have come, so that nothing has to be concealed.
void Call::drain() {
  if (phase_ != Phase::draining) return;
  const bool complete = end(Side::a).last_shown == end(Side::b).last_sent &&
                        end(Side::b).last_shown == end(Side::a).last_sent;
  const Duration longest =
      kLongestDrain + 4 * (config_.impairment.delay + config_.impairment.jitter);
  if (complete || now() >= media_at_ + config_.length + longest) return finish();
  schedule(now() + 5ms, &Call::drain);
}

void Call::fail(std::string reason) {
  if (phase_ == Phase::over) return;
  failure_ = std::move(reason);
  finish();
}

void Call::finish() {
  phase_ = Phase::over;
  End& a = end(Side::a);
  End& b = end(Side::b);
  if (summary_.setup_ms) {
    const auto a_stats = a.pc->get_stats();
    const auto b_stats = b.pc->get_stats();
    stats_->add_sample(elapsed_s(), a_stats, b_stats);
    // What the last whole second would have been when the end came before it.
    if (elapsed_s() - last_second_s() > 0.5)
      timeline_.add(elapsed_s(), a_stats, b_stats, b.take_psnr(), a.take_psnr());
    final_stats_ = {a_stats, b_stats};
  }
  a.pc->close();
  b.pc->close();
  schedule(now(), &Call::finish_when_idle);
}

void Call::finish_when_idle() {
  for (const auto& e : ends_)
    if (!e->recorder->idle()) return schedule(now() + 2ms, &Call::finish_when_idle);
  summarise();
  config_.on_done();
}

void Call::summarise() {
  summary_.seconds = parley::to_seconds(config_.length);
  End& a = end(Side::a);
  End& b = end(Side::b);
  for (End* e : {&a, &b})
    if (const auto ok = e->recorder->finish(media_at_ + config_.length); !ok && failure_.empty())
      failure_ = ok.error().to_string();
  if (!summary_.setup_ms) return;
  const auto& [a_stats, b_stats] = final_stats_;
  add_security(summary_, a_stats);
  summary_.a_to_b =
      summarise_direction(a_stats, b_stats, *b.recorder, a.pictures_sent, summary_.seconds);
  summary_.b_to_a =
      summarise_direction(b_stats, a_stats, *a.recorder, b.pictures_sent, summary_.seconds);
  const auto since_offer = [this](const End& e) -> std::optional<double> {
    const auto first = e.recorder->first_frame();
    if (!first) return std::nullopt;
    return parley::to_milliseconds(*first - offer_at_);
  };
  summary_.a_to_b.first_frame_ms = since_offer(b);
  summary_.b_to_a.first_frame_ms = since_offer(a);
  if (summary_.a_to_b.first_frame_ms && summary_.b_to_a.first_frame_ms)
    summary_.first_frame_ms =
        std::max(*summary_.a_to_b.first_frame_ms, *summary_.b_to_a.first_frame_ms);
}

}  // namespace loopback_call
