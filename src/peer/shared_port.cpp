#include "parley/shared_port.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "parley/ice/agent.hpp"
#include "parley/stun/message.hpp"

namespace parley {
namespace {

// Requests of one engine whose answers are awaited. Retransmissions keep their transaction and make
// it the newest again; more at once than this are sent by no pacing of ours in a round trip.
constexpr std::size_t kMaxTransactions = 32;

// Looked up by what strangers send, filled only by what we made: 64 random bits are enough.
struct TransactionHash {
  std::size_t operator()(const stun::TransactionId& id) const noexcept {
    std::uint64_t head = 0;
    std::memcpy(&head, id.data(), sizeof head);
    return static_cast<std::size_t>(head);
  }
};

// Finds by views of a datagram.
struct FragmentHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace

/// The engine that owns the sockets, and the tables.
struct SharedPort::Impl final : Engine {
  /// What the inner driver carries in the place of an engine that shares the sockets: passes
  /// everything on and looks at what is sent.
  struct Lodger final : Engine {
    Lodger(Impl& p, Engine& e) : port(p), engine(e) {}
    void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) override {
      engine.handle_datagram(now, path, bytes);
    }
    void handle_timeout(Timestamp now) override { engine.handle_timeout(now); }
    std::optional<Transmit> poll_transmit(Timestamp now, MutableBytes storage) override {
      auto transmit = engine.poll_transmit(now, storage);
      if (transmit && stun::is_stun(transmit->datagram)) port.note_sent(*this, transmit->datagram);
      return transmit;
    }
    Timestamp next_timeout() const override { return engine.next_timeout(); }
    bool deliver_events(Timestamp now) override {
      awake = false;
      return engine.deliver_events(now);  // `this` may be gone after it.
    }

    Impl& port;
    Engine& engine;
    bool awake = false;  ///< Will be polled in this turn anyway.
    bool dirty = false;  ///< Its user fragments may have changed.
    bool refused = false;
    std::vector<std::string> fragments;  ///< In the table.
    std::deque<Path> paths;              ///< Oldest first.
    std::deque<stun::TransactionId> transactions;
  };

  Impl(Driver& d, SharedPortConfig c) : inner(d), config(c), port(c.port) { inner.attach(*this); }
  ~Impl() override {
    while (!lodgers.empty()) remove(lodgers.begin()->second->engine);
    inner.detach(*this);
  }

  // Engine of the inner driver: takes what arrives, and sends nothing itself.
  void handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) override;
  void handle_timeout(Timestamp) override {}
  std::optional<Transmit> poll_transmit(Timestamp, MutableBytes) override { return std::nullopt; }
  Timestamp next_timeout() const override { return kNever; }
  bool deliver_events(Timestamp) override { return false; }

  Lodger* find(Engine& engine) {
    const auto found = lodgers.find(&engine);
    return found == lodgers.end() ? nullptr : found->second.get();
  }
  void remove(Engine& engine);
  Result<SocketAddress> socket_of(const IpAddress& address);

  Lodger* owner_of_stun(Bytes datagram);
  Lodger* owner_of_path(const Path& path);
  void note_sent(Lodger& lodger, Bytes message);
  void learn(Lodger& lodger, const Path& path);
  void forget_paths(Lodger& lodger, const SocketAddress& local);
  void mark_dirty(Lodger& lodger);
  void refresh_all();
  void drop_fragments(Lodger& lodger);
  void add_fragments(Lodger& lodger);
  Lodger* owner_of_fragment(std::string_view fragment);

  Driver& inner;
  const SharedPortConfig config;
  std::uint16_t port;
  SharedPortStats stats;
  std::unordered_map<Engine*, std::unique_ptr<Lodger>> lodgers;
  std::vector<SocketAddress> sockets;
  std::unordered_map<Path, Lodger*> paths;
  std::unordered_map<std::string, Lodger*, FragmentHash, std::equal_to<>> fragments;
  std::unordered_map<stun::TransactionId, Lodger*, TransactionHash> transactions;
  std::unordered_set<Lodger*> dirty;
};

// --- Arriving datagrams ---

void SharedPort::Impl::handle_datagram(Timestamp now, const Path& path, MutableBytes bytes) {
  const bool is_stun = stun::is_stun(bytes);
  Lodger* lodger = is_stun ? owner_of_stun(bytes) : nullptr;
  if (lodger == nullptr) lodger = owner_of_path(path);
  if (lodger == nullptr) {
    ++stats.unknown;
    return;
  }
  lodger->engine.handle_datagram(now, path, bytes);
  // Only STUN proves paths.
  if (is_stun && lodger->engine.accepts(path)) learn(*lodger, path);
  if (std::exchange(lodger->awake, true)) return;
  inner.wake(*lodger);
}

SharedPort::Impl::Lodger* SharedPort::Impl::owner_of_stun(Bytes datagram) {
  if (const auto fragment = ice::addressed_ufrag(datagram)) {
    Lodger* const lodger = owner_of_fragment(*fragment);
    if (lodger != nullptr) ++stats.by_user_fragment;
    return lodger;
  }
  const auto message = stun::MessageView::parse(datagram);
  if (!message) return nullptr;
  const auto found = transactions.find(message->transaction_id());
  if (found == transactions.end()) return nullptr;
  // An answer that is not authentic must not take the place of the true one: the transaction is
  // kept until newer ones push it out.
  ++stats.by_transaction;
  return found->second;
}

SharedPort::Impl::Lodger* SharedPort::Impl::owner_of_path(const Path& path) {
  const auto found = paths.find(path);
  if (found == paths.end()) return nullptr;
  ++stats.by_path;
  return found->second;
}

SharedPort::Impl::Lodger* SharedPort::Impl::owner_of_fragment(std::string_view fragment) {
  const auto look = [&]() -> Lodger* {
    const auto found = fragments.find(fragment);
    return found == fragments.end() ? nullptr : found->second;
  };
  Lodger* lodger = look();
  // One that is not known yet may be of a restart (RFC 8445 section 9). Each call of an application
  // is looked at once at the most, however many such checks arrive.
  if (lodger == nullptr && !dirty.empty()) {
    refresh_all();
    lodger = look();
  }
  return lodger;
}

// --- Paths ---

void SharedPort::Impl::learn(Lodger& lodger, const Path& path) {
  const auto [entry, is_new] = paths.try_emplace(path, &lodger);
  if (entry->second != &lodger) {
    // A peer's address was given to another peer: its check was authenticated, so it is so.
    auto& of_other = entry->second->paths;
    of_other.erase(std::find(of_other.begin(), of_other.end(), path));
    entry->second = &lodger;
    ++stats.moved_paths;
  } else if (!is_new) {
    return;
  }
  lodger.paths.push_back(path);
  if (lodger.paths.size() <= config.max_paths_per_engine) return;
  paths.erase(lodger.paths.front());
  lodger.paths.pop_front();
}

void SharedPort::Impl::forget_paths(Lodger& lodger, const SocketAddress& local) {
  std::deque<Path> kept;
  for (const Path& path : lodger.paths) {
    if (path.local == local) {
      paths.erase(path);
    } else {
      kept.push_back(path);
    }
  }
  lodger.paths = std::move(kept);
}

// --- Transactions ---

void SharedPort::Impl::note_sent(Lodger& lodger, Bytes datagram) {
  const auto message = stun::MessageView::parse(datagram);
  if (!message || message->message_class() != stun::Class::request) return;
  const stun::TransactionId& id = message->transaction_id();
  if (!transactions.try_emplace(id, &lodger).second) {
    auto& known = lodger.transactions;
    const auto at = std::find(known.begin(), known.end(), id);
    if (at == known.end()) return;  // Another engine's; 96 random bits say never.
    known.erase(at);
  }
  lodger.transactions.push_back(id);
  if (lodger.transactions.size() <= kMaxTransactions) return;
  transactions.erase(lodger.transactions.front());
  lodger.transactions.pop_front();
}

// --- User fragments ---

void SharedPort::Impl::mark_dirty(Lodger& lodger) {
  if (std::exchange(lodger.dirty, true)) return;
  dirty.insert(&lodger);
}

void SharedPort::Impl::refresh_all() {
  const std::vector<Lodger*> changed{dirty.begin(), dirty.end()};
  dirty.clear();
  // What one gives up, another may have taken.
  for (Lodger* const lodger : changed) drop_fragments(*lodger);
  for (Lodger* const lodger : changed) add_fragments(*lodger);
}

void SharedPort::Impl::drop_fragments(Lodger& lodger) {
  lodger.dirty = false;
  for (const std::string& fragment : std::exchange(lodger.fragments, {})) fragments.erase(fragment);
}

void SharedPort::Impl::add_fragments(Lodger& lodger) {
  std::vector<std::string> current;
  lodger.engine.add_user_fragments(current);
  lodger.refused = false;
  for (std::string& fragment : current) {
    const auto entry = fragments.try_emplace(fragment, &lodger).first;
    if (entry->second == &lodger) {
      lodger.fragments.push_back(std::move(fragment));
    } else {
      lodger.refused = true;
      ++stats.refused_fragments;
    }
  }
}

// --- Sockets and engines ---

Result<SocketAddress> SharedPort::Impl::socket_of(const IpAddress& address) {
  for (const SocketAddress& socket : sockets) {
    if (socket.ip == address) return socket;
  }
  auto bound = inner.open_socket(*this, {address, port});
  // The port that the system picked for the first address may be taken on this one.
  if (!bound && config.port == 0 && port != 0) bound = inner.open_socket(*this, {address, 0});
  if (!bound) return bound.error();
  if (port == 0) port = bound->port;
  sockets.push_back(*bound);
  return *bound;
}

void SharedPort::Impl::remove(Engine& engine) {
  const auto found = lodgers.find(&engine);
  if (found == lodgers.end()) return;
  Lodger& lodger = *found->second;
  inner.detach(lodger);  // Its last words are polled here.
  for (const Path& path : lodger.paths) paths.erase(path);
  for (const auto& id : lodger.transactions) transactions.erase(id);
  for (const std::string& fragment : lodger.fragments) fragments.erase(fragment);
  dirty.erase(&lodger);
  lodgers.erase(found);
}

SharedPort::SharedPort(Driver& inner, SharedPortConfig config)
    : impl_(std::make_unique<Impl>(inner, config)) {}
SharedPort::~SharedPort() = default;

Result<SocketAddress> SharedPort::bind(const IpAddress& address) {
  return impl_->socket_of(address);
}
const SharedPortStats& SharedPort::stats() const { return impl_->stats; }
std::size_t SharedPort::paths() const { return impl_->paths.size(); }

void SharedPort::attach(Engine& engine) {
  auto& lodger = impl_->lodgers[&engine];
  if (lodger) return;
  lodger = std::make_unique<Impl::Lodger>(*impl_, engine);
  impl_->mark_dirty(*lodger);
  impl_->inner.attach(*lodger);
}

void SharedPort::detach(Engine& engine) { impl_->remove(engine); }

void SharedPort::wake(Engine& engine) {
  Impl::Lodger* const lodger = impl_->find(engine);
  if (lodger == nullptr) return;
  impl_->mark_dirty(*lodger);
  impl_->inner.wake(*lodger);
}

Result<SocketAddress> SharedPort::open_socket(Engine& engine, const SocketAddress& local) {
  Impl::Lodger* const lodger = impl_->find(engine);
  if (lodger == nullptr) {
    return Error{Errc::invalid_state, "open_socket: the engine is not attached"};
  }
  impl_->mark_dirty(*lodger);
  impl_->refresh_all();
  if (lodger->refused) {
    return Error{Errc::invalid_state, "open_socket: the user fragment is in use"};
  }
  const auto bound = impl_->socket_of(local.ip);
  if (!bound) return bound.error();
  if (auto lent = impl_->inner.lend_socket(*impl_, *bound, *lodger); !lent) return lent.error();
  return *bound;
}

void SharedPort::close_socket(Engine& engine, const SocketAddress& local) {
  Impl::Lodger* const lodger = impl_->find(engine);
  if (lodger == nullptr) return;
  impl_->inner.close_socket(*lodger, local);
  impl_->forget_paths(*lodger, local);
}

Result<void> SharedPort::lend_socket(Engine&, const SocketAddress&, Engine&) {
  return Error{Errc::unsupported, "lend_socket: a borrowed socket"};
}

// --- Passed on ---

Timestamp SharedPort::now() const { return impl_->inner.now(); }
NtpMapping SharedPort::ntp_mapping() const { return impl_->inner.ntp_mapping(); }
Random& SharedPort::random() { return impl_->inner.random(); }
std::vector<NetworkInterface> SharedPort::interfaces() const { return impl_->inner.interfaces(); }
void SharedPort::resolve(const std::string& host, ResolveHandler done) {
  impl_->inner.resolve(host, std::move(done));
}
void SharedPort::offload(const void* lane, std::function<void()> work, std::function<void()> done) {
  impl_->inner.offload(lane, std::move(work), std::move(done));
}
void SharedPort::post(std::function<void()> task) { impl_->inner.post(std::move(task)); }
void SharedPort::post_at(Timestamp at, std::function<void()> task) {
  impl_->inner.post_at(at, std::move(task));
}

}  // namespace parley
