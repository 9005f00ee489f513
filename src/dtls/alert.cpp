#include "dtls/alert.hpp"

#include <openssl/ssl.h>

#include <algorithm>

namespace parley::dtls {

std::string alert_name(int description) {
  std::string name = SSL_alert_desc_string_long(description);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

}  // namespace parley::dtls
