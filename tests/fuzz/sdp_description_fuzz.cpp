// Any text: it is refused, or it is a value that survives being written and read again.
#include <cstdint>
#include <cstdlib>

#include "parley/sdp/description.hpp"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto d = sdp::Description::parse(as_text({data, size}));
  if (!d) return 0;
  for (const sdp::Media& m : d->media) {
    (void)d->transport_of(m);
    (void)d->extmaps_of(m);
    (void)m.data_port();
    if (m.mid) (void)d->bundle_of(*m.mid);
  }
  const std::string text = sdp::to_string(*d);
  // Writing may add lines (a map for each static payload type) and so pass a bound.
  const auto again = sdp::Description::parse(text);
  if (!again && again.error().code == Errc::too_large) return 0;
  if (!again || !(*again == *d) || sdp::to_string(*again) != text) std::abort();
  return 0;
}
