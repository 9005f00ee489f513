// Whatever is accepted as a fingerprint must survive being written and read again.
#include "parley/base/assert.hpp"
#include "parley/dtls/fingerprint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  const auto fingerprint = dtls::Fingerprint::parse(as_text({data, size}));
  if (fingerprint) {
    PARLEY_ASSERT(dtls::Fingerprint::parse(fingerprint->to_string()) == fingerprint,
                  "writing is the inverse of reading");
    static_cast<void>(dtls::matches_any({*fingerprint}, {data, size}));
  }
  return 0;
}
