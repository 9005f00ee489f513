// A DTLS client that does what a Transport never would.
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

/// Plain OpenSSL on memory, against a Transport in the server role. No losses, no timers.
class RawClient {
 public:
  /// `configure` may change the context before it is used.
  explicit RawClient(Transport& server, const std::function<void(SSL_CTX*)>& configure = {})
      : server_(server), context_(SSL_CTX_new(DTLS_client_method())) {
    SSL_CTX_set_tlsext_use_srtp(context_.get(), "SRTP_AEAD_AES_128_GCM");
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_options(context_.get(), SSL_OP_NO_QUERY_MTU);
    if (configure) configure(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    openssl::BioPtr bio = io_.make_bio();
    SSL_set_bio(ssl_.get(), bio.get(), bio.get());
    static_cast<void>(bio.release());
    SSL_set_mtu(ssl_.get(), 1200);
    SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() { return ssl_.get(); }
  void use(const Identity& identity) { openssl::install_identity(ssl_.get(), identity.impl()); }

  /// Continues the handshake, or reads, until neither side has anything to say.
  void run() {
    SSL_do_handshake(ssl_.get());
    std::array<std::uint8_t, 1500> storage;
    std::array<char, 2000> content;
    for (bool progress = true; progress;) {
      progress = false;
      while (auto datagram = io_.pop(storage)) {
        server_.handle_datagram(kNow, MutableBytes(storage).first(datagram->size()));
        progress = true;
      }
      while (auto datagram = server_.poll_transmit(kNow, storage)) {
        io_.set_input(*datagram);
        if (SSL_do_handshake(ssl_.get()) == 1) {
          SSL_read(ssl_.get(), content.data(), static_cast<int>(content.size()));
        }
        io_.clear_input();
        progress = true;
      }
    }
    while (auto event = server_.poll_event()) events.push_back(std::move(*event));
  }

  /// Sends what OpenSSL wants to say, without hearing an answer.
  void speak() {
    SSL_do_handshake(ssl_.get());
    std::array<std::uint8_t, 1500> storage;
    while (auto datagram = io_.pop(storage)) {
      server_.handle_datagram(kNow, MutableBytes(storage).first(datagram->size()));
    }
  }

  std::vector<Event> events;  ///< Of the server.

 private:
  static constexpr Timestamp kNow{5s};
  Transport& server_;
  openssl::SslContextPtr context_;
  openssl::DatagramBio io_{1200};
  openssl::SslPtr ssl_;
};

}  // namespace parley::dtls::testing
