// SRTP per packet, beside what libcrypto alone takes for the same bytes.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <vector>

#include "parley/base/crypto.hpp"
#include "parley/srtp/session.hpp"

namespace {

using namespace parley;
using srtp::Profile;

constexpr std::size_t kHeader = 12;

std::unique_ptr<srtp::Session> make_session(Profile profile) {
  const std::vector<std::uint8_t> key(srtp::key_size(profile), 0x11);
  const std::vector<std::uint8_t> salt(srtp::salt_size(profile), 0x22);
  return *srtp::Session::create(profile, {key, salt}, {key, salt});
}

struct alignas(8) Packet {
  std::array<std::uint8_t, 1500> bytes{};
  std::size_t size = 0;

  Packet(std::size_t packet_size, std::uint16_t sequence, std::uint32_t ssrc) : size(packet_size) {
    bytes[0] = 0x80;
    store_be16(&bytes[2], sequence);
    store_be32(&bytes[8], ssrc);
  }
};

void count(benchmark::State& state, std::size_t size) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}

void protect(benchmark::State& state, Profile profile) {
  const auto session = make_session(profile);
  Packet packet(static_cast<std::size_t>(state.range(0)), 0, 1);
  std::uint16_t sequence = 0;
  for (auto _ : state) {
    store_be16(&packet.bytes[2], sequence++);
    auto out = session->protect_rtp(packet.bytes, packet.size);
    if (!out) state.SkipWithError("refused");
    benchmark::DoNotOptimize(out);
  }
  count(state, packet.size);
}

// Unprotecting needs packets that were not seen before: a batch is protected outside the timing.
void unprotect(benchmark::State& state, Profile profile) {
  constexpr std::size_t kBatch = 512;
  const auto streams = static_cast<std::uint32_t>(state.range(1));
  const auto size = static_cast<std::size_t>(state.range(0));
  const auto session = make_session(profile);
  std::vector<Packet> batch(kBatch, Packet(size, 0, 0));
  std::vector<MutableBytes> sealed(kBatch);
  std::vector<std::uint16_t> sequences(streams, 0);
  std::size_t at = kBatch;
  for (auto _ : state) {
    if (at == kBatch) {
      state.PauseTiming();
      for (std::size_t i = 0; i < kBatch; ++i) {
        const std::uint32_t ssrc = static_cast<std::uint32_t>(i) % streams;
        batch[i] = Packet(size, sequences[ssrc]++, ssrc * 77'777);
        sealed[i] = session->protect_rtp(batch[i].bytes, size).value();
      }
      at = 0;
      state.ResumeTiming();
    }
    auto out = session->unprotect_rtp(sealed[at++]);
    if (!out) state.SkipWithError("dropped");
    benchmark::DoNotOptimize(out);
  }
  count(state, size);
}

// AES-GCM with the key set once and a new nonce per packet.
void bare_gcm(benchmark::State& state, const EVP_CIPHER* cipher) {
  Packet packet(static_cast<std::size_t>(state.range(0)), 0, 1);
  const std::array<std::uint8_t, 32> key{};
  std::array<std::uint8_t, 12> nonce{};
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, cipher, nullptr, key.data(), nonce.data());
  std::uint8_t* payload = &packet.bytes[kHeader];
  const int payload_size = static_cast<int>(packet.size - kHeader);
  std::uint64_t index = 0;
  for (auto _ : state) {
    store_be64(nonce.data(), index++);
    int size = 0;
    EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data());
    EVP_EncryptUpdate(context, nullptr, &size, packet.bytes.data(), kHeader);
    EVP_EncryptUpdate(context, payload, &size, payload, payload_size);
    EVP_EncryptFinal_ex(context, payload + size, &size);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, payload + payload_size);
    benchmark::ClobberMemory();
  }
  EVP_CIPHER_CTX_free(context);
  count(state, packet.size);
}

// AES-CTR and HMAC-SHA1, each with its key set once.
void bare_ctr_sha1(benchmark::State& state) {
  Packet packet(static_cast<std::size_t>(state.range(0)), 0, 1);
  const std::array<std::uint8_t, 20> key{};
  std::array<std::uint8_t, 16> counter{};
  std::array<std::uint8_t, 20> tag{};
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nullptr, key.data(), counter.data());
  Hmac hmac(DigestAlgorithm::sha1, key);
  std::uint8_t* payload = &packet.bytes[kHeader];
  const std::array<std::uint8_t, 4> roc{};
  std::uint64_t index = 0;
  for (auto _ : state) {
    store_be64(counter.data(), index++);
    int size = 0;
    EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, counter.data());
    EVP_EncryptUpdate(context, payload, &size, payload, static_cast<int>(packet.size - kHeader));
    hmac.compute({Bytes(packet.bytes).first(packet.size), roc}, tag);
    std::memcpy(&packet.bytes[packet.size], tag.data(), 10);
    benchmark::ClobberMemory();
  }
  EVP_CIPHER_CTX_free(context);
  count(state, packet.size);
}

void create_session(benchmark::State& state, Profile profile) {
  for (auto _ : state) benchmark::DoNotOptimize(make_session(profile));
}

BENCHMARK_CAPTURE(protect, gcm_128, Profile::aead_aes_128_gcm)->Arg(100)->Arg(300)->Arg(1200);
BENCHMARK_CAPTURE(bare_gcm, gcm_128, EVP_aes_128_gcm())->Arg(100)->Arg(300)->Arg(1200);
BENCHMARK_CAPTURE(protect, gcm_256, Profile::aead_aes_256_gcm)->Arg(100)->Arg(300)->Arg(1200);
BENCHMARK_CAPTURE(bare_gcm, gcm_256, EVP_aes_256_gcm())->Arg(100)->Arg(300)->Arg(1200);
BENCHMARK_CAPTURE(protect, cm_sha1, Profile::aes128_cm_sha1_80)->Arg(100)->Arg(300)->Arg(1200);
BENCHMARK(bare_ctr_sha1)->Arg(100)->Arg(300)->Arg(1200);
BENCHMARK_CAPTURE(unprotect, gcm_128, Profile::aead_aes_128_gcm)
    ->ArgsProduct({{100, 300, 1200}, {1}})
    ->ArgsProduct({{1200}, {10, 50, 200, 500}});
BENCHMARK_CAPTURE(unprotect, gcm_256, Profile::aead_aes_256_gcm)
    ->ArgsProduct({{100, 300, 1200}, {1}});
BENCHMARK_CAPTURE(unprotect, cm_sha1, Profile::aes128_cm_sha1_80)
    ->ArgsProduct({{100, 300, 1200}, {1}});
BENCHMARK_CAPTURE(create_session, gcm_128, Profile::aead_aes_128_gcm);
BENCHMARK_CAPTURE(create_session, cm_sha1, Profile::aes128_cm_sha1_80);

}  // namespace
