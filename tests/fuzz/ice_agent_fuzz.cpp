// Drives one agent by the input: its owner's calls, packets of strangers, packets of a peer who has
// the passwords, and time. Checks the rules that every core keeps.
#include <array>
#include <cstdlib>
#include <vector>

#include "parley/ice/agent.hpp"
#include "parley/stun/message.hpp"

using namespace parley;
using namespace parley::ice;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

const Credentials kPeer{"peer", "the password of the peer"};

struct Play {
  explicit Play(Bytes bytes) : input(bytes), agent(config(), random, now) {}

  Config config() {
    Config c;
    c.role = input.u8() % 2 == 0 ? Role::controlling : Role::controlled;
    c.max_pairs = 8;
    c.max_remote_candidates = 6;
    c.max_local_candidates = 5;
    return c;
  }

  ByteReader input;
  SeededRandom random{5};
  Timestamp now{1000s};
  Agent agent;
  std::vector<std::vector<std::uint8_t>> requests;  // of the agent, not yet answered
  std::vector<Path> paths;

  SocketAddress local() {
    return {IpAddress::v4(192, 0, 2, 1), static_cast<std::uint16_t>(1 + input.u8() % 4)};
  }
  SocketAddress remote() {
    return {IpAddress::v4(192, 0, 2, 2), static_cast<std::uint16_t>(1 + input.u8() % 16)};
  }

  void step() {
    switch (input.u8() % 13) {
      case 0:
        now += Duration{input.u16() * 50};
        break;
      case 1:
        now += Duration{input.u16() * 1000};
        break;
      case 2:
        if (agent.next_timeout() != kNever) now = std::max(now, agent.next_timeout());
        break;
      case 3:
        (void)agent.add_local_socket(now, local(), {}).has_value();
        break;
      case 4:
        (void)agent.set_remote_credentials(now, kPeer).has_value();
        break;
      case 5: {
        Candidate c;
        c.address = remote();
        c.priority = input.u32();
        c.foundation = std::to_string(input.u8() % 3);
        (void)agent.add_remote_candidate(now, c).has_value();
        break;
      }
      case 6:
        send_check();
        break;
      case 7:
      case 8:
        answer();
        break;
      case 9: {
        std::vector<std::uint8_t> garbage(input.u8());
        for (auto& b : garbage) b = input.u8();
        agent.handle_datagram(now, Path{local(), remote()}, garbage);
        break;
      }
      case 10:
        if (input.u8() % 2 == 0)
          agent.add_stun_server(now, remote());
        else
          agent.set_role(input.u8() % 2 == 0 ? Role::controlling : Role::controlled);
        break;
      case 11:
        if (input.u8() % 2 == 0)
          agent.end_of_local_sockets(now);
        else
          agent.end_of_remote_candidates(now);
        break;
      case 12: {
        const Path path{local(), remote()};
        agent.note_received(path, 10, now);
        agent.note_sent(path, 10, now);
        agent.accepts(path);
        if (input.u8() == 255) agent.close();
        break;
      }
    }
    turn();
  }

  void send_check() {
    std::vector<std::uint8_t> bytes(400);
    stun::TransactionId id{};
    id[0] = input.u8();
    const std::uint8_t flags = input.u8();
    stun::MessageWriter out{bytes, stun::Class::request, stun::Method::binding, id};
    out.add_text(stun::Attribute::username, agent.local_credentials().ufrag + ":peer");
    out.add_u32(stun::Attribute::priority, input.u32());
    if ((flags & 1) != 0) out.add_flag(stun::Attribute::use_candidate);
    const auto role =
        (flags & 2) != 0 ? stun::Attribute::ice_controlling : stun::Attribute::ice_controlled;
    out.add_u64(role, (flags & 4) != 0 ? UINT64_MAX : input.u8());
    Hmac key{DigestAlgorithm::sha1, as_bytes(agent.local_credentials().password)};
    out.add_integrity(key);
    out.add_fingerprint();
    bytes.resize(out.finish().size());
    if ((flags & 8) != 0) bytes[input.u8() % bytes.size()] ^= 1;
    agent.handle_datagram(now, Path{local(), remote()}, bytes);
  }

  void answer() {
    if (requests.empty()) return;
    const std::size_t i = input.u8() % requests.size();
    const std::uint8_t kind = input.u8();
    std::vector<std::uint8_t> bytes(400);
    const auto m = stun::MessageView::parse(requests[i]);
    const bool is_error = kind % 4 == 0;
    stun::MessageWriter out{bytes,
                            is_error ? stun::Class::error_response : stun::Class::success_response,
                            stun::Method::binding, m->transaction_id()};
    if (is_error) {
      constexpr int kCodes[] = {487, 400, 403, 500};
      out.add_error(kCodes[input.u8() % 4], "");
    } else {
      out.add_xor_address(stun::Attribute::xor_mapped_address,
                          kind % 3 == 0 ? remote() : paths[i].local);
    }
    Hmac key{DigestAlgorithm::sha1, as_bytes(kPeer.password)};
    out.add_integrity(key);
    bytes.resize(out.finish().size());
    Path path = paths[i];
    if (kind >= 250) path.remote = remote();
    agent.handle_datagram(now, path, bytes);
  }

  void turn() {
    bool came_out = drain();
    if (agent.next_timeout() <= now) {
      agent.handle_timeout(now);
      came_out = drain() || came_out;
      require(came_out || agent.next_timeout() > now);
      // And it settles: a busy loop would go on for ever.
      for (int i = 0; agent.next_timeout() <= now; ++i) {
        require(i < 50);
        agent.handle_timeout(now);
        drain();
      }
    }
    const Stats stats = agent.stats();
    require(stats.pairs.size() <= 8 && stats.remote_candidates.size() <= 6);
    require(stats.local_candidates.size() <= 5);
    int selected = 0;
    for (const PairStats& p : stats.pairs) {
      selected += p.selected ? 1 : 0;
      require(p.local < stats.local_candidates.size());
      require(p.remote < stats.remote_candidates.size());
    }
    require(selected == (agent.selected_path() ? 1 : 0));
    const bool usable = stats.state == State::connected || stats.state == State::completed ||
                        stats.state == State::disconnected;
    require(usable == agent.selected_path().has_value());
  }

  bool drain() {
    bool any = false;
    std::array<std::uint8_t, kMaxDatagramSize> storage;
    while (const auto t = agent.poll_transmit(now, storage)) {
      any = true;
      const auto m = stun::MessageView::parse(t->datagram);
      require(m.has_value() && m->check_fingerprint() == stun::Verdict::right);
      if (m->message_class() != stun::Class::request) continue;
      if (requests.size() >= 16) {
        requests.erase(requests.begin());
        paths.erase(paths.begin());
      }
      requests.emplace_back(t->datagram.begin(), t->datagram.end());
      paths.push_back(t->path);
    }
    require(!agent.poll_transmit(now, storage));
    while (agent.poll_event()) any = true;
    return any;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play play{Bytes{data, size}};
  for (int i = 0; i < 400 && !play.input.at_end() && play.input.ok(); ++i) play.step();
  return 0;
}
