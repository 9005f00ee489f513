#include "call.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace interop {

using namespace parley;

namespace {

template <class T>
T take(Result<T> result, const char* what) {
  if (!result) throw std::runtime_error{std::string{what} + ": " + result.error().to_string()};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

MediaKind kind_of(const json& name) {
  return name == "audio" ? MediaKind::audio : MediaKind::video;
}

Direction direction_of(const std::string& name) {
  if (name == "sendonly") return Direction::sendonly;
  if (name == "recvonly") return Direction::recvonly;
  return Direction::sendrecv;
}

Configuration configuration_of(const json& request) {
  Configuration config;
  config.network.include_loopback = true;
  config.video.receive_simulcast = request.value("simulcast", false);
  const std::map<std::string, dtls::SrtpProfile> profiles{
      {"AEAD_AES_128_GCM", dtls::SrtpProfile::aead_aes_128_gcm},
      {"AEAD_AES_256_GCM", dtls::SrtpProfile::aead_aes_256_gcm},
      {"AES_CM_128_HMAC_SHA1_80", dtls::SrtpProfile::aes128_cm_sha1_80}};
  if (request.contains("srtpProfiles")) {
    config.srtp_profiles.clear();
    for (const json& name : request["srtpProfiles"]) {
      config.srtp_profiles.push_back(profiles.at(name.get<std::string>()));
    }
  }
  return config;
}

}  // namespace

Call::Call(Driver& driver, const json& request, LogSink* log)
    : driver_(driver, request.value("loss", 0.0), request.value("seed", 1U)) {
  options_.decode = request.value("decode", false);
  options_.direction = direction_of(request.value("direction", "sendrecv"));
  options_.video_codecs = request.value("videoCodecs", std::vector<std::string>{});
  options_.apart = request.value("apart", false);
  options_.key_frames = request.value("keyFrames", false);
  if (options_.apart) {
    // Two cores are too few for several larger ones, encoded here and decoded there.
    options_.width = 320;
    options_.height = 180;
  }
  Configuration config = configuration_of(request);
  config.log = log;
  config.data.max_message_size = request.value("maxMessageSize", config.data.max_message_size);
  config.data.snap = request.value("snap", false);
  pc_ = take(PeerConnection::create(driver_, config), "create");
  pc_->on_connection_state_change([this](ConnectionState state) {
    states_ += (states_.empty() ? "" : " ") + std::string{to_string(state)};
    if (state == ConnectionState::failed) states_ += " (" + pc_->failure_reason() + ")";
    if (state == ConnectionState::connected) {
      if (!connected_ && options_.key_frames) make_key_frames();
      if (!connected_) connected_ = driver_.now();
      gone_.reset();
      ask_for_key_frames();
    } else if (connected_ && !gone_) {
      gone_ = driver_.now();
    }
  });
  pc_->on_data_channel([this](DataChannel channel) {
    channels_.push_back(std::make_unique<TestChannel>(std::move(channel), true));
  });
}

void Call::handle(const json& request, Reply reply) {
  const std::string what = request.at("do");
  const double seconds = request.value("seconds", 8.0);
  if (what == "close") {
    close();
    return reply({});
  }
  if (what == "offer") return offer(request, std::move(reply));
  if (what == "answer") return answer(request, std::move(reply));
  if (what == "accept") {
    take(pc_->set_remote_description({.type = SdpType::answer, .sdp = request.at("sdp")}),
         "set_remote_description");
    adopt_new_transceivers();
    described_ = driver_.now();
    return reply({});
  }
  if (what == "connected") {
    return reply_when([this] { return connected_.has_value(); }, seconds,
                      [this] {
                        json result{{"connected", connected_.has_value()}, {"states", states_}};
                        if (connected_) result["ms"] = 1000 * to_seconds(*connected_ - described_);
                        return result;
                      },
                      std::move(reply));
  }
  if (what == "gone") {
    // libdatachannel says no close_notify: an SCTP ABORT ends its channels.
    const auto gone = [this] {
      return gone_.has_value() ||
             (!channels_.empty() &&
              std::ranges::all_of(channels_, [](const auto& c) { return c->closed(); }));
    };
    return reply_when(
        gone, seconds,
        [this, gone] {
          return json{{"gone", gone()}, {"states", states_}};
        },
        std::move(reply));
  }
  if (what == "mute") {
    for (const auto& track : tracks_) {
      take(track->transceiver.set_active(!request.value("muted", true)), "set_active");
    }
    return reply({});
  }
  if (what == "counts") return reply(counts());
  if (what == "stats") return reply(stats());
  if (handle_data(what, request, reply)) return;
  throw std::runtime_error{"parley has no command " + what};
}

TestChannel& Call::own_channel(const json& request) {
  const std::string label = request.at("label");
  const auto at = std::find_if(channels_.rbegin(), channels_.rend(), [&label](const auto& channel) {
    return !channel->echoes() && channel->label() == label;
  });
  if (at == channels_.rend()) throw std::runtime_error{"no channel " + label};
  return **at;
}

bool Call::handle_data(const std::string& what, const json& request, const Reply& reply) {
  const double seconds = request.value("seconds", 8.0);
  if (what == "channel") {
    const std::string label = request.at("label");
    DataChannel made =
        take(pc_->create_data_channel(label, channel_init_of(request)), "create_data_channel");
    channels_.push_back(std::make_unique<TestChannel>(made, request.value("echo", false)));
    reply({});
  } else if (what == "opened") {
    std::vector<TestChannel*> wanted;
    for (const json& label : request.at("labels")) {
      wanted.push_back(&own_channel({{"label", label}}));
    }
    const auto all_open = [wanted] {
      return std::ranges::all_of(wanted,
                                 [](const TestChannel* channel) { return channel->open(); });
    };
    reply_when(
        all_open, seconds,
        [wanted, all_open] {
          json ids = json::array();
          for (const TestChannel* channel : wanted) ids.push_back(channel->id().value_or(0));
          return json{{"open", all_open()}, {"ids", ids}};
        },
        reply);
  } else if (what == "talk") {
    TestChannel* channel = &own_channel(request);
    channel->talk(request.at("sizes"), request.value("text", false));
    reply_when([channel] { return channel->all_back(); }, seconds,
               [channel] { return channel->compare(); }, reply);
  } else if (what == "hangup") {
    TestChannel* channel = &own_channel(request);
    channel->close();
    reply_when([channel] { return channel->closed(); }, seconds,
               [channel] {
                 return json{{"closed", channel->closed()}, {"reason", channel->reason()}};
               },
               reply);
  } else {
    return false;
  }
  return true;
}

void Call::offer(const json& request, Reply reply) {
  for (const json& name : request.value("media", json::array())) {
    TransceiverInit init{.direction = options_.direction};
    const MediaKind kind = kind_of(name);
    if (kind == MediaKind::video) {
      init.codecs = options_.video_codecs;
      for (const json& rid : request.value("rids", json::array())) {
        init.send_encodings.push_back({.rid = rid});
      }
    }
    take(pc_->add_transceiver(kind, init), "add_transceiver");
  }
  if (request.value("restart", false)) pc_->restart_ice();
  if (request.contains("codecs")) prefer(request["codecs"]);
  adopt_new_transceivers();
  take(pc_->set_local_description(), "set_local_description");
  reply_with_description("offer", std::move(reply));
}

void Call::answer(const json& request, Reply reply) {
  take(pc_->set_remote_description({.type = SdpType::offer, .sdp = request.at("sdp")}),
       "set_remote_description");
  for (Transceiver& transceiver : pc_->transceivers()) {
    if (transceiver.stopped()) continue;
    take(transceiver.set_direction(options_.direction), "set_direction");
  }
  if (!options_.video_codecs.empty()) prefer(options_.video_codecs);
  adopt_new_transceivers();
  take(pc_->set_local_description(), "set_local_description");
  described_ = driver_.now();
  reply_with_description("answer", std::move(reply));
}

void Call::prefer(const std::vector<std::string>& video_codecs) {
  for (Transceiver& transceiver : pc_->transceivers()) {
    if (transceiver.stopped() || transceiver.kind() != MediaKind::video) continue;
    take(transceiver.set_codec_preferences(video_codecs), "set_codec_preferences");
  }
}

void Call::reply_with_description(const char* type, Reply reply) {
  // Gathering may begin only when this turn ends.
  driver_.post([this, self = shared_from_this(), type, reply = std::move(reply)]() mutable {
    reply_when([this] { return pc_->ice_gathering_state() == IceGatheringState::complete; }, 5,
               [this, type] {
                 const auto description = pc_->local_description();
                 return json{{"type", type}, {"sdp", description ? description->sdp : ""}};
               },
               std::move(reply));
  });
}

void Call::reply_when(std::function<bool()> condition, double seconds, std::function<json()> result,
                      Reply reply) {
  if (condition() || seconds <= 0) return reply(result());
  driver_.post_at(driver_.now() + 5ms,
                  [this, self = shared_from_this(), condition = std::move(condition), seconds,
                   result = std::move(result), reply = std::move(reply)]() mutable {
                    reply_when(std::move(condition), seconds - 0.005, std::move(result),
                               std::move(reply));
                  });
}

json Call::counts() const {
  json all = json::array();
  for (const auto& track : tracks_) {
    json one{{"mid", track->transceiver.mid()}};
    if (track->transceiver.kind() == MediaKind::audio) {
      one.update({{"kind", "audio"}, {"blocks", track->blocks}});
      if (options_.decode) {
        one.update({{"hertz", track->tone.hertz()}, {"loudest", track->tone.loudest()}});
      }
    } else {
      one.update({{"kind", "video"}, {"frames", track->pictures}});
      if (options_.decode) {
        json seen = json::array();
        for (int value = 0; value < 16; ++value) {
          if ((track->values >> value & 1U) != 0) seen.push_back(value);
        }
        one.update({{"markers", track->markers}, {"values", seen.size()}, {"seen", seen}});
      }
    }
    all.push_back(std::move(one));
  }
  return {{"tracks", std::move(all)}};
}

json Call::stats() const {
  return {{"stats", json::parse(pc_->get_stats().to_json(), nullptr, false)}};
}

void Call::adopt_new_transceivers() {
  for (const Transceiver& transceiver : pc_->transceivers()) {
    bool known = transceiver.stopped();
    for (const auto& track : tracks_) known |= track->transceiver.id() == transceiver.id();
    if (known) continue;
    auto track = std::make_shared<Track>(Track{.transceiver = transceiver});
    track->video = static_cast<int>(std::ranges::count_if(
        tracks_, [](const auto& other) { return other->transceiver.kind() == MediaKind::video; }));
    tracks_.push_back(track);
    if (!options_.decode) {
      echo(track);
    } else if (transceiver.kind() == MediaKind::audio) {
      speak(track, 0, driver_.now());
    } else {
      track->transceiver.on_frame([t = track.get()](const VideoFrame& frame) {
        ++t->pictures;
        if (const auto value = read_marker(*frame.picture)) {
          ++t->markers;
          t->values |= 1U << *value;
        }
      });
      show(track, 0, driver_.now());
    }
  }
}

void Call::echo(const std::shared_ptr<Track>& track) {
  Transceiver& transceiver = track->transceiver;
  Track* t = track.get();
  if (transceiver.kind() == MediaKind::video) {
    transceiver.on_encoded_frame([this, t](const EncodedVideo& frame) {
      ++t->pictures;
      EncodedVideo copy = frame;
      copy.capture_time = driver_.now();
      (void)t->transceiver.send_encoded(copy).has_value();
    });
    transceiver.on_key_frame_request([t] { (void)t->transceiver.request_key_frame().has_value(); });
    return;
  }
  transceiver.on_encoded_audio([t, next = std::optional<std::uint32_t>{}](
                                   const EncodedAudio& packet, std::uint32_t timestamp) mutable {
    ++t->blocks;
    // Silence that the peer did not send stays silence in the echo.
    const std::uint32_t gap = next ? timestamp - *next : 0;
    next = timestamp + static_cast<std::uint32_t>(packet.samples_per_channel);
    (void)t->transceiver.send_encoded(packet, gap < 48'000 * 60 ? gap : 0).has_value();
  });
}

void Call::ask_for_key_frames() {
  for (const auto& track : tracks_) {
    if (track->transceiver.kind() != MediaKind::video) continue;
    (void)track->transceiver.request_key_frame().has_value();
  }
}

void Call::make_key_frames() {
  if (pc_->connection_state() == ConnectionState::closed) return;
  for (const auto& track : tracks_) {
    if (track->transceiver.kind() != MediaKind::video) continue;
    (void)track->transceiver.make_key_frame().has_value();
  }
  driver_.post_at(driver_.now() + 2s, [this, self = shared_from_this()] { make_key_frames(); });
}

void Call::show(const std::shared_ptr<Track>& track, int number, Timestamp due) {
  if (pc_->connection_state() == ConnectionState::closed) return;
  const int counter = options_.apart ? 4 * track->video + number % 4 : number;
  const auto sent = track->transceiver.send(
      VideoFrame{.picture = draw_picture(counter, options_.width, options_.height),
                 .capture_time = driver_.now()});
  // A host that stalled is not caught up with a burst of pictures.
  const Timestamp next = std::max(due + 33ms, driver_.now());
  driver_.post_at(next, [this, self = shared_from_this(), track, number, sent = sent.has_value(),
                         next] { show(track, sent ? number + 1 : number, next); });
}

/// Speaks and listens, 10 ms each.
void Call::speak(const std::shared_ptr<Track>& track, std::uint64_t position, Timestamp due) {
  if (pc_->connection_state() == ConnectionState::closed) return;
  std::array<std::int16_t, kSamplesPer10Ms> pcm;
  write_tone(pcm, options_.hertz, position);
  (void)track->transceiver.send(pcm).has_value();
  AudioBlock block;
  if (track->transceiver.read(block) == PlayoutOutcome::normal) {
    ++track->blocks;
    track->tone.add(block.samples());
  }
  driver_.post_at(due + 10ms, [this, self = shared_from_this(), track, position, due] {
    speak(track, position + kSamplesPer10Ms, due + 10ms);
  });
}

}  // namespace interop
