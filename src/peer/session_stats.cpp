// Statistics of a Session with the names and units of webrtc-stats.
#include <string>

#include "parley/session.hpp"
#include "peer/session_impl.hpp"

namespace parley {
namespace {

// "L3" of the first ICE generation, "L3.1" of the one after its first restart.
std::string ice_id(const char* what, std::size_t index, std::uint32_t generation) {
  std::string id = what + std::to_string(index);
  return generation == 0 ? id : id + "." + std::to_string(generation);
}

std::string candidate_id(bool local, std::size_t index, std::uint32_t generation) {
  return ice_id(local ? "L" : "R", index, generation);
}

void add_candidate(StatsReport& report, std::uint32_t generation, bool local, std::size_t index,
                   const ice::Candidate& candidate) {
  StatsObject object{candidate_id(local, index, generation),
                     local ? "local-candidate" : "remote-candidate"};
  object.set("transportId", "T")
      .set("candidateType", ice::to_string(candidate.type))
      .set("protocol", ice::to_string(candidate.protocol))
      .set("priority", candidate.priority)
      .set("foundation", candidate.foundation)
      .set("port", candidate.address.port)
      .set("usernameFragment", candidate.ufrag);
  // A name hides the address on purpose (mDNS): it stays hidden here too.
  if (candidate.host_name.empty()) object.set("address", candidate.address.ip.to_string());
  if (candidate.related && candidate.type != ice::CandidateType::host) {
    object.set("relatedAddress", candidate.related->ip.to_string())
        .set("relatedPort", candidate.related->port);
  }
  report.objects.push_back(std::move(object));
}

void add_pair(StatsReport& report, std::uint32_t generation, const ice::PairStats& pair) {
  StatsObject object{ice_id("CP", pair.id, generation), "candidate-pair"};
  object.set("transportId", "T")
      .set("localCandidateId", candidate_id(true, pair.local, generation))
      .set("remoteCandidateId", candidate_id(false, pair.remote, generation))
      .set("state", ice::to_string(pair.state))
      .set("nominated", pair.nominated)
      .set("packetsSent", pair.packets_sent)
      .set("packetsReceived", pair.packets_received)
      .set("bytesSent", pair.bytes_sent)
      .set("bytesReceived", pair.bytes_received)
      .set("requestsSent", pair.requests_sent)
      .set("requestsReceived", pair.requests_received)
      .set("responsesSent", pair.responses_sent)
      .set("responsesReceived", pair.responses_received)
      .set("consentRequestsSent", pair.consent_requests_sent)
      .set_seconds("totalRoundTripTime", pair.total_round_trip_time);
  if (pair.current_round_trip_time) {
    object.set_seconds("currentRoundTripTime", *pair.current_round_trip_time);
  }
  report.objects.push_back(std::move(object));
}

std::string_view dtls_state_name(std::optional<dtls::State> state) {
  if (!state) return "new";
  switch (*state) {
    case dtls::State::idle:
      return "new";
    case dtls::State::connecting:
      return "connecting";
    case dtls::State::connected:
      return "connected";
    case dtls::State::closed:
      return "closed";
    case dtls::State::failed:
      return "failed";
  }
  return "new";
}

// The IANA registry of DTLS-SRTP protection profiles spells them like this.
std::string_view srtp_name(dtls::SrtpProfile profile) {
  switch (profile) {
    case dtls::SrtpProfile::aes128_cm_sha1_80:
      return "SRTP_AES128_CM_HMAC_SHA1_80";
    case dtls::SrtpProfile::aead_aes_128_gcm:
      return "SRTP_AEAD_AES_128_GCM";
    case dtls::SrtpProfile::aead_aes_256_gcm:
      return "SRTP_AEAD_AES_256_GCM";
  }
  return "";
}

void add_certificate(StatsReport& report, const char* id, const dtls::Fingerprint& fingerprint) {
  const std::string text = fingerprint.to_string();
  StatsObject object{id, "certificate"};
  object.set("fingerprint", text.substr(text.find(' ') + 1))
      .set("fingerprintAlgorithm", fingerprint.algorithm);
  report.objects.push_back(std::move(object));
}

}  // namespace

void Session::add_stats(StatsReport& report) const {
  const Impl& impl = *impl_;
  const peer::TransportPlane& plane = impl.transport;
  // The generation that carries the data, and those that an ICE restart prepares.
  const auto generations = plane.ice().stats();
  const ice::Stats& ice = generations.front().stats;

  StatsObject transport{"T", "transport"};
  transport.set("packetsSent", plane.counters().packets_sent)
      .set("packetsReceived", plane.counters().packets_received)
      .set("bytesSent", plane.counters().bytes_sent)
      .set("bytesReceived", plane.counters().bytes_received)
      .set("iceRole", ice::to_string(ice.role))
      .set("iceLocalUsernameFragment", plane.ice().local_credentials().ufrag)
      .set("iceState", ice::to_string(plane.ice().state()))
      .set("dtlsState", dtls_state_name(plane.dtls_state()))
      .set("localCertificateId", "CL")
      .set("selectedCandidatePairChanges", plane.ice().selected_pair_changes());
  for (const ice::PairStats& pair : ice.pairs) {
    if (!pair.selected) continue;
    transport.set("selectedCandidatePairId", ice_id("CP", pair.id, generations.front().number));
  }
  if (const auto role = plane.dtls_role()) {
    transport.set("dtlsRole", *role == dtls::Role::client ? "client" : "server");
  }
  if (const auto& secured = plane.secured()) {
    // webrtc-stats: four hexadecimal digits; DTLS counts downwards (RFC 6347 section 4.1).
    transport.set("tlsVersion", secured->dtls_version == "1.3" ? "FEFC" : "FEFD")
        .set("dtlsCipher", secured->dtls_cipher)
        .set("remoteCertificateId", "CR");
    if (secured->srtp_profile) transport.set("srtpCipher", srtp_name(*secured->srtp_profile));
  }
  report.objects.push_back(std::move(transport));

  add_certificate(report, "CL", impl.config.identity->fingerprint());
  if (!plane.peer_certificate().empty()) {
    add_certificate(report, "CR", dtls::Fingerprint::of(plane.peer_certificate()));
  }
  for (const auto& [number, stats] : generations) {
    for (const ice::PairStats& pair : stats.pairs) add_pair(report, number, pair);
    for (std::size_t i = 0; i < stats.local_candidates.size(); ++i) {
      add_candidate(report, number, true, i, stats.local_candidates[i]);
    }
    for (std::size_t i = 0; i < stats.remote_candidates.size(); ++i) {
      add_candidate(report, number, false, i, stats.remote_candidates[i]);
    }
  }
  impl.data.add_stats(report);
  impl.media.add_stats(impl.state, report);
}

}  // namespace parley
