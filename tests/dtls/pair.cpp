#include "dtls/pair.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "support/catch.hpp"

namespace parley::dtls::testing {
namespace {

std::shared_ptr<const Identity> make_identity(std::uint64_t seed) {
  SeededRandom random(seed);
  using namespace std::chrono;
  const auto from = sys_days(year(2026) / 1 / 1);
  return *Identity::create({from, from + days(30)}, random);
}

std::string pem_of(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

struct Rsa {
  std::string key;
  std::string certificate;
};

// Written with OpenSSL alone, so that it does not depend on what it is to test.
Rsa make_rsa() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate), 1'700'000'000);
  ASN1_TIME_set(X509_getm_notAfter(certificate), 1'900'000'000);
  X509_NAME* name = X509_get_subject_name(certificate);
  const unsigned char text[] = "OpenWebRTC";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  Rsa rsa{std::string(data, static_cast<std::size_t>(size)), pem_of(certificate)};
  BIO_free(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return rsa;
}

}  // namespace

std::shared_ptr<const Identity> client_identity() {
  static const auto identity = make_identity(1);
  return identity;
}

std::shared_ptr<const Identity> server_identity() {
  static const auto identity = make_identity(2);
  return identity;
}

std::shared_ptr<const Identity> rsa_identity(int extra_certificates) {
  static const Rsa rsa = make_rsa();
  std::string chain = rsa.certificate;
  for (int i = 0; i < extra_certificates; ++i) chain += rsa.certificate;
  return *Identity::from_pem(chain, rsa.key);
}

std::vector<std::vector<std::uint8_t>> Peer::data() const {
  std::vector<std::vector<std::uint8_t>> all;
  for (const Event& event : events) {
    if (const auto* data = std::get_if<Data>(&event)) all.push_back(data->bytes);
  }
  return all;
}

Pair::Pair(const Options& options) : options_(options) {
  client.transport = *Transport::create(options.client, Role::client, options.client_identity);
  server.transport = *Transport::create(options.server, Role::server, options.server_identity);
  if (options.round_trip_time > 0us) {
    client.transport->set_round_trip_time(options.round_trip_time);
    server.transport->set_round_trip_time(options.round_trip_time);
  }
  if (options.client_knows_fingerprint) {
    client.transport->set_remote_fingerprints(now, {options.server_identity->fingerprint()});
  }
  if (options.server_knows_fingerprint) {
    server.transport->set_remote_fingerprints(now, {options.client_identity->fingerprint()});
  }
}

void Pair::start() {
  started = now;
  server.transport->start(now);
  client.transport->start(now);
  drain_both();
}

void Pair::drain(Peer& peer, Direction direction) {
  std::array<std::uint8_t, 16'384> storage;
  while (auto datagram = peer.transport->poll_transmit(now, storage)) {
    std::vector<std::uint8_t> bytes(datagram->begin(), datagram->end());
    const std::size_t index = counts_[static_cast<int>(direction)]++;
    sent.push_back({now, direction, bytes});
    const Fate result = fate ? fate(direction, index, bytes) : Fate{};
    if (tamper) tamper(direction, index, bytes);
    for (int copy = 0; copy < result.copies; ++copy) {
      wire_.push_back({now + options_.one_way_delay + result.extra_delay, direction, bytes});
    }
  }
  while (auto event = peer.transport->poll_event()) peer.events.push_back(std::move(*event));
}

void Pair::drain_both() {
  drain(client, Direction::to_server);
  drain(server, Direction::to_client);
}

void Pair::deliver_due() {
  for (std::size_t i = 0; i < wire_.size();) {
    if (wire_[i].at > now) {
      ++i;
      continue;
    }
    InFlight datagram = std::move(wire_[i]);
    wire_.erase(wire_.begin() + static_cast<std::ptrdiff_t>(i));
    receiver(datagram.direction).transport->handle_datagram(now, datagram.bytes);
  }
}

void Pair::run(Duration limit) {
  const Timestamp end = now + limit;
  drain_both();
  for (;;) {
    Timestamp next = std::min(client.transport->next_timeout(), server.transport->next_timeout());
    for (const InFlight& datagram : wire_) next = std::min(next, datagram.at);
    if (next == kNever || next > end) break;
    now = std::max(now, next);
    deliver_due();
    for (Peer* peer : {&client, &server}) {
      if (peer->transport->next_timeout() > now) continue;
      peer->transport->handle_timeout(now);
      // The contract of every core: a deadline that was handled lies in the future or is gone.
      CHECK(peer->transport->next_timeout() > now);
    }
    drain_both();
  }
  now = end;
}

bool Pair::both_connected() const {
  return client.connected() != nullptr && server.connected() != nullptr;
}

void Pair::send(Direction direction, Bytes data) {
  Peer& sender = direction == Direction::to_server ? client : server;
  REQUIRE(sender.transport->send(data).has_value());
}

void Pair::inject(Direction direction, std::vector<std::uint8_t> datagram) {
  receiver(direction).transport->handle_datagram(now, datagram);
  drain_both();
}

}  // namespace parley::dtls::testing
