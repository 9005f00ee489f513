// A driver that loses datagrams: the bad network of the interoperability tests, without a privilege
// and the same on every host.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

#include "parley/machine.hpp"

namespace interop {

/// Carries engines on another driver and drops a share of the datagrams in each direction at
/// random. Thread rule: that of the driver below.
class LossyDriver final : public parley::Driver {
 public:
  /// `loss` from 0 to 1. `below` outlives this.
  LossyDriver(parley::Driver& below, double loss, std::uint64_t seed)
      : below_(below), loss_(loss), dice_(seed) {}

  parley::Timestamp now() const override { return below_.now(); }
  parley::NtpMapping ntp_mapping() const override { return below_.ntp_mapping(); }
  parley::Random& random() override { return below_.random(); }
  void attach(parley::Engine& engine) override {
    auto [at, added] = engines_.emplace(&engine, std::make_unique<LossyEngine>(*this, engine));
    if (added) below_.attach(*at->second);
  }
  void detach(parley::Engine& engine) override {
    const auto at = engines_.find(&engine);
    if (at == engines_.end()) return;
    below_.detach(*at->second);
    // The engine may ask for this from inside a call of its wrapper.
    below_.post([gone = std::shared_ptr{std::move(at->second)}] {});
    engines_.erase(at);
  }
  void wake(parley::Engine& engine) override { below_.wake(*engines_.at(&engine)); }
  parley::Result<parley::SocketAddress> open_socket(parley::Engine& engine,
                                                    const parley::SocketAddress& local) override {
    return below_.open_socket(*engines_.at(&engine), local);
  }
  void close_socket(parley::Engine& engine, const parley::SocketAddress& local) override {
    below_.close_socket(*engines_.at(&engine), local);
  }
  parley::Result<void> lend_socket(parley::Engine& owner, const parley::SocketAddress& local,
                                   parley::Engine& borrower) override {
    return below_.lend_socket(*engines_.at(&owner), local, *engines_.at(&borrower));
  }
  std::vector<parley::NetworkInterface> interfaces() const override { return below_.interfaces(); }
  void resolve(const std::string& host, ResolveHandler done) override {
    below_.resolve(host, std::move(done));
  }
  void offload(const void* lane, std::function<void()> work, std::function<void()> done) override {
    below_.offload(lane, std::move(work), std::move(done));
  }
  void post(std::function<void()> task) override { below_.post(std::move(task)); }
  void post_at(parley::Timestamp at, std::function<void()> task) override {
    below_.post_at(at, std::move(task));
  }

 private:
  class LossyEngine final : public parley::Engine {
   public:
    LossyEngine(LossyDriver& driver, parley::Engine& engine) : driver_(driver), engine_(engine) {}
    void handle_datagram(parley::Timestamp now, const parley::Path& path,
                         parley::MutableBytes bytes) override {
      if (!driver_.loses()) engine_.handle_datagram(now, path, bytes);
    }
    void handle_timeout(parley::Timestamp now) override { engine_.handle_timeout(now); }
    std::optional<parley::Transmit> poll_transmit(parley::Timestamp now,
                                                  parley::MutableBytes storage) override {
      for (;;) {
        const auto transmit = engine_.poll_transmit(now, storage);
        if (!transmit || !driver_.loses()) return transmit;
      }
    }
    parley::Timestamp next_timeout() const override { return engine_.next_timeout(); }
    bool deliver_events(parley::Timestamp now) override { return engine_.deliver_events(now); }
    void add_user_fragments(std::vector<std::string>& fragments) const override {
      engine_.add_user_fragments(fragments);
    }
    bool accepts(const parley::Path& path) const override { return engine_.accepts(path); }

   private:
    LossyDriver& driver_;
    parley::Engine& engine_;
  };

  bool loses() { return loss_ > 0 && dice_.unit() < loss_; }

  parley::Driver& below_;
  double loss_;
  parley::SeededRandom dice_;
  std::unordered_map<parley::Engine*, std::unique_ptr<LossyEngine>> engines_;
};

}  // namespace interop
