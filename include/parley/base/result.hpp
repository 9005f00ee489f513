// Result<T>: a value or an Error, in the manner of std::expected (which C++20 lacks).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "parley/base/assert.hpp"

namespace parley {

/// Why a call was refused. The state of the object is unchanged.
enum class Errc {
  invalid_argument,  ///< The caller passed a value outside its documented range: correct it.
  invalid_state,     ///< The call does not fit the present state: wait or do what is missing.
  syntax,            ///< Text (SDP, candidate line, URI) could not be parsed: report its source.
  unsupported,       ///< Well-formed but not supported here: choose something else.
  incompatible,      ///< The two sides have nothing in common (codec, profile): cannot connect.
  not_found,         ///< No such stream, media section, file or host.
  too_large,         ///< Above a limit (message size, table size): send less.
  queue_full,        ///< Nothing was taken: try again when the queue has drained.
  closed,            ///< The object was closed: make a new one.
  crypto,            ///< The cryptographic library refused: usually a bad key or exhausted memory.
  io,                ///< The operating system refused (socket, file): `where` has its reason.
  timed_out,         ///< No answer in time.
  malformed,         ///< Bytes (a bitstream, a packet handed in by the caller) are not valid.
};

/// The enumerator's name, for logs.
std::string_view to_string(Errc code);

/// What went wrong and where: `where` is for people, `code` for programs.
struct Error {
  Errc code = Errc::invalid_argument;
  std::string where;

  /// "syntax: a=candidate line 12".
  std::string to_string() const;
};

/// A value or an error. `T` may be void. Asking for the one that is not there is a broken
/// invariant of the caller and aborts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return require(), *std::get_if<0>(&state_); }
  const T& value() const& { return require(), *std::get_if<0>(&state_); }
  T&& value() && { return require(), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(other));
  }

  const Error& error() const {
    PARLEY_ASSERT(!has_value(), "error() is asked for only after has_value() said no");
    return *std::get_if<1>(&state_);
  }

 private:
  void require() const {
    PARLEY_ASSERT(has_value(), "value() is asked for only after has_value() said yes");
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void value() const { PARLEY_ASSERT(has_value(), "value() is asked for only after has_value()"); }
  const Error& error() const {
    PARLEY_ASSERT(!has_value(), "error() is asked for only after has_value() said no");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace parley
