// The page from which a person calls the server.
#pragma once

#include <string_view>

namespace echo_server {

/// page.html: one document without references to anything outside of it.
std::string_view page();

}  // namespace echo_server
