// The keys of SRTP, out of what the exporter gives.
#pragma once

#include <cstddef>
#include <string_view>

#include "parley/base/bytes.hpp"
#include "parley/dtls/engine.hpp"

namespace parley::dtls {

/// RFC 5764 section 4.2: the exporter is given this label and no context.
constexpr std::string_view kSrtpExporterLabel = "EXTRACTOR-dtls_srtp";

/// How much the exporter has to give.
std::size_t srtp_key_block_size(SrtpProfile profile);

/// Cuts the exporter's output into client key, server key, client salt and server salt (RFC 5764
/// section 4.2); `role` is ours.
SrtpKeys split_srtp_key_block(SrtpProfile profile, Role role, Bytes block);

}  // namespace parley::dtls
