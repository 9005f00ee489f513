// A whole session in the hands of an attacker who has not authenticated: hostile datagrams,
// descriptions and candidates, in any order with calls of the application and with time.
#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>

#include "fuzz/fuzz_input.hpp"
#include "fuzz/negotiation_text.hpp"
#include "parley/session.hpp"

using namespace parley;

namespace {

std::shared_ptr<const dtls::Identity> identity() {
  static const auto shared = [] {
    SeededRandom random{1};
    const std::chrono::sys_seconds day{std::chrono::hours{24 * 20'000}};
    return *dtls::Identity::create({.not_before = day, .not_after = day + std::chrono::hours{24}},
                                   random);
  }();
  return shared;
}

SessionConfig config() {
  SessionConfig config;
  config.identity = identity();
  config.negotiation = jsep::default_config();
  return config;
}

constexpr SocketAddress kLocal{IpAddress::v4(10, 0, 0, 1), 5000};
constexpr SocketAddress kRemote{IpAddress::v4(10, 0, 0, 2), 6000};

// Whatever happened, draining ends and the next deadline is later than now.
void drain(Session& session, Timestamp now) {
  alignas(8) std::array<std::uint8_t, kMaxDatagramSize> storage;
  for (int rounds = 0; session.poll_transmit(now, storage); ++rounds) {
    if (rounds > 5000) std::abort();
  }
  for (int rounds = 0; session.poll_event(); ++rounds) {
    if (rounds > 5000) std::abort();
  }
}

// A refused step leaves everything as it was.
template <class Step>
bool attempt(Session& session, Step step) {
  const auto text = [&session] {
    return test::negotiation_text(session.negotiation()) +
           std::string{to_string(session.signaling_state())} +
           std::string{to_string(session.connection_state())} +
           std::string{to_string(session.ice_connection_state())};
  };
  const std::string before = text();
  if (step()) return true;
  if (text() != before) std::abort();
  return false;
}

// Offer and answer through, as far as both sides agree.
void negotiate(Session& offerer, Session& answerer, Timestamp now, bool restart, SdpType type) {
  const auto offer = offerer.create_offer({.ice_restart = restart});
  if (!offer) return;
  if (!attempt(offerer, [&] { return offerer.set_local_description(now, *offer).has_value(); })) {
    return;
  }
  if (!attempt(answerer,
               [&] { return answerer.set_remote_description(now, *offer).has_value(); })) {
    return;
  }
  auto answer = answerer.create_answer();
  if (!answer) return;
  answer->type = type;
  (void)attempt(answerer, [&] { return answerer.set_local_description(now, *answer).has_value(); });
  (void)attempt(offerer, [&] { return offerer.set_remote_description(now, *answer).has_value(); });
}

// What the application does to its transceivers between offers.
void change_media(Session& session, Timestamp now, std::uint8_t what) {
  const auto& transceivers = session.negotiation().transceivers;
  if (transceivers.size() < 12 && what % 4 == 0) {
    session.add_transceiver(what % 8 < 4 ? MediaKind::audio : MediaKind::video, {});
    return;
  }
  if (transceivers.empty()) return;
  const TransceiverId id = transceivers[what % transceivers.size()].id;
  (void)attempt(session, [&] {
    if (what % 4 == 1) return session.stop(now, id).has_value();
    if (what % 4 == 2) return session.set_codec_preferences(id, {"VP8"}).has_value();
    return session.set_direction(id, static_cast<Direction>(what / 4 % 4)).has_value();
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::FuzzInput input{data, size};
  SeededRandom random{7};
  Timestamp now{1000s};
  auto made = Session::create(now, config(), random);
  auto peer_made = Session::create(now, config(), random);
  if (!made || !peer_made) std::abort();
  Session& session = **made;
  Session& peer = **peer_made;
  session.add_transceiver(MediaKind::audio, {});
  session.add_transceiver(MediaKind::video, {});
  (void)session.add_local_socket(now, kLocal, {.name = "e", .address = kLocal.ip}).has_value();

  std::uint32_t generation = 0;
  while (!input.empty()) {
    switch (input.u8() % 18) {
      case 0: {
        auto bytes = input.sized_bytes();
        session.handle_datagram(now, {kLocal, kRemote}, bytes);
        break;
      }
      case 1:
        now += std::chrono::milliseconds{input.u16() % 5000};
        break;
      case 2:
        if (auto offer = session.create_offer()) {
          (void)session.set_local_description(now, *offer).has_value();
          (void)peer.set_remote_description(now, *offer).has_value();
        }
        break;
      case 3:
        if (auto answer = peer.create_answer()) {
          (void)peer.set_local_description(now, *answer).has_value();
          (void)session.set_remote_description(now, *answer).has_value();
        }
        break;
      case 4: {
        const auto text = input.bytes(input.u16() % 2048);
        const auto type = input.u8() % 2 == 0 ? SdpType::offer : SdpType::answer;
        (void)attempt(session, [&] {
          return session.set_remote_description(now, {type, std::string{as_text(text)}})
              .has_value();
        });
        break;
      }
      case 5: {
        const auto text = input.sized_bytes();
        (void)session
            .add_ice_candidate(now,
                               {.candidate = std::string{as_text(text)}, .sdp_m_line_index = 0})
            .has_value();
        break;
      }
      case 6:
        (void)session
            .add_ice_candidate(now,
                               {.candidate = "candidate:1 1 udp 2130706431 10.0.0.2 6000 typ host",
                                .sdp_m_line_index = 0})
            .has_value();
        break;
      case 7:
        (void)attempt(session, [&] { return session.rollback(now).has_value(); });
        break;
      case 8:
        session.end_of_local_sockets(now);
        break;
      case 15:
        (void)session.open_channel(now, {.label = "x", .ordered = input.u8() % 2 == 0}).has_value();
        break;
      case 16: {
        const auto channels = session.channels();
        if (channels.empty()) break;
        const std::vector<std::uint8_t> message = input.sized_bytes();
        (void)session.send(now, channels.back(), sctp::MessageKind::text, message).has_value();
        break;
      }
      case 17: {
        const auto channels = session.channels();
        if (!channels.empty()) session.close_channel(now, channels.front());
        break;
      }
      case 9:
        session.restart_ice();
        break;
      case 10:
        negotiate(session, peer, now, input.u8() % 2 == 0, SdpType::answer);
        break;
      case 11:
        negotiate(peer, session, now, input.u8() % 2 == 0, SdpType::answer);
        break;
      case 12:
        negotiate(peer, session, now, input.u8() % 2 == 0, SdpType::pranswer);
        break;
      case 13:
        change_media(session, now, input.u8());
        break;
      case 14:
        change_media(peer, now, input.u8());
        (void)attempt(peer, [&] { return peer.rollback(now).has_value(); });
        break;
    }
    if (session.gathering_generation() != generation) {
      generation = session.gathering_generation();
      (void)session.add_local_socket(now, kLocal, {.name = "e", .address = kLocal.ip}).has_value();
    }
    if (session.next_timeout() <= now) session.handle_timeout(now);
    drain(session, now);
    drain(peer, now);
  }
  StatsReport report;
  session.add_stats(report);
  session.close(now);
  drain(session, now);
  return 0;
}
