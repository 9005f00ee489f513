// A negotiation as text, to see that a refused step changed nothing.
#pragma once

#include <string>

#include "parley/sdp/jsep.hpp"

namespace parley::test {

inline std::string negotiation_text(const jsep::State& state) {
  std::string text{jsep::to_string(state.signaling)};
  const auto add = [&text](const auto& number) { text += ' ' + std::to_string(number); };
  add(state.next_version);
  add(state.next_transceiver);
  add(state.next_mid);
  add(state.data.wanted ? 1 : 0);
  add(state.data.section ? static_cast<int>(*state.data.section) : -1);
  for (const std::string& ufrag : state.ufrags_to_replace) text += ' ' + ufrag;
  if (state.transport) {
    text += ' ' + state.transport->local_ufrag + ' ' + state.transport->remote_ufrag;
  }
  for (const jsep::Transceiver& t : state.transceivers) {
    text += " t";
    add(t.id.value());
    add(static_cast<int>(t.direction));
    add(t.current_direction ? static_cast<int>(*t.current_direction) : -1);
    add(t.section ? static_cast<int>(*t.section) : -1);
    add(t.codec_preferences.size());
    text += t.mid ? t.mid->value() : "-";
    text += t.stopping ? 's' : '.';
    text += t.receiving ? 'r' : '.';
  }
  for (const auto& d :
       {state.current_local, state.pending_local, state.current_remote, state.pending_remote}) {
    text += d != nullptr ? '\n' + sdp::to_string(*d) : "\nnone";
  }
  return text;
}

}  // namespace parley::test
