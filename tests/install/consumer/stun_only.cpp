#include <parley/stun/message.hpp>

int main() { return parley::stun::is_stun({}) ? 1 : 0; }
