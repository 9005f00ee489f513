// A DTLS peer that does what a Transport never would.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dtls/openssl_bio.hpp"
#include "dtls/openssl_context.hpp"
#include "dtls/pair.hpp"

namespace parley::dtls::testing {

/// Plain OpenSSL on memory, against a Transport in the other role. No losses, no timers.
class RawPeer {
 public:
  static constexpr Timestamp kNow{5s};

  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  SSL* ssl() { return ssl_.get(); }
  void use(const Identity& identity) { openssl::install_identity(ssl_.get(), identity.impl()); }

  /// Continues the handshake, or reads, until neither side has anything to say.
  void run() {
    SSL_do_handshake(ssl_.get());
    std::array<std::uint8_t, 17'000> storage;
    for (bool progress = true; progress;) {
      progress = false;
      while (auto datagram = io_.pop(storage)) {
        sent.emplace_back(datagram->begin(), datagram->end());
        transport_.handle_datagram(kNow, MutableBytes(storage).first(datagram->size()));
        progress = true;
      }
      while (auto datagram = transport_.poll_transmit(kNow, storage)) {
        heard.emplace_back(datagram->begin(), datagram->end());
        io_.set_input(*datagram);
        if (SSL_do_handshake(ssl_.get()) == 1) read();
        io_.clear_input();
        progress = true;
      }
    }
    while (auto event = transport_.poll_event()) events.push_back(std::move(*event));
  }

  /// Sends what OpenSSL wants to say, without hearing an answer.
  void speak() {
    SSL_do_handshake(ssl_.get());
    std::array<std::uint8_t, 1500> storage;
    while (auto datagram = io_.pop(storage)) {
      transport_.handle_datagram(kNow, MutableBytes(storage).first(datagram->size()));
    }
  }

  bool send(Bytes bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  bool told_of_the_end() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

  std::vector<Event> events;                     ///< Of the transport.
  std::vector<std::vector<std::uint8_t>> data;   ///< Read here.
  std::vector<std::vector<std::uint8_t>> sent;   ///< Datagrams of this end.
  std::vector<std::vector<std::uint8_t>> heard;  ///< Datagrams of the transport.

 protected:
  RawPeer(Transport& transport, const SSL_METHOD* method, std::size_t datagram_size,
          const std::function<void(SSL_CTX*)>& configure)
      : transport_(transport), context_(SSL_CTX_new(method)), io_(datagram_size) {
    SSL_CTX_set_tlsext_use_srtp(context_.get(), "SRTP_AEAD_AES_128_GCM");
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_options(context_.get(), SSL_OP_NO_QUERY_MTU);
    if (configure) configure(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    openssl::BioPtr bio = io_.make_bio();
    SSL_set_bio(ssl_.get(), bio.get(), bio.get());
    static_cast<void>(bio.release());
    SSL_set_mtu(ssl_.get(), static_cast<long>(datagram_size));
  }

 private:
  void read() {
    std::array<std::uint8_t, 17'000> content;
    const int length = SSL_read(ssl_.get(), content.data(), static_cast<int>(content.size()));
    if (length > 0) data.emplace_back(content.begin(), content.begin() + length);
  }

  Transport& transport_;
  openssl::SslContextPtr context_;
  openssl::DatagramBio io_;

 protected:
  openssl::SslPtr ssl_;  // After io_, which it uses until it is destroyed.
};

class RawClient : public RawPeer {
 public:
  /// `configure` may change the context before it is used.
  explicit RawClient(Transport& server, const std::function<void(SSL_CTX*)>& configure = {},
                     std::size_t datagram_size = 1200)
      : RawPeer(server, DTLS_client_method(), datagram_size, configure) {
    SSL_set_connect_state(ssl_.get());
  }
};

class RawServer : public RawPeer {
 public:
  explicit RawServer(Transport& client, const std::function<void(SSL_CTX*)>& configure = {},
                     std::size_t datagram_size = 1200)
      : RawPeer(client, DTLS_server_method(), datagram_size, configure) {
    SSL_set_accept_state(ssl_.get());
  }
};

}  // namespace parley::dtls::testing
