// Result<T>: the value of a call that may fail as expected, or the Error that says why.
// Three kinds of error exist in RIDE: bugs (RIDE_CHECK, common/check.h), expected failures (this file), and exceptions
// of libraries, which their adapter catches and turns into an Error. No Error is dropped: the type is [[nodiscard]].
// Threads: values, no sharing. Failure: value() on an error is a bug and ends the process.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "common/check.h"

namespace ride {

enum class ErrorCode {
  invalid_argument,    // what the user gave is wrong; the message says where and how to fix it
  not_found,           // file, topic, job, device that is not there
  already_exists,      // exists, and differs from what was asked for
  unavailable,         // broker, camera, master out of reach: may work later
  timeout,             // no answer in time
  permission,          // the system or the cluster refuses
  resource_exhausted,  // disk, memory, slots, size limits
  corrupt,             // bytes that do not hold what they claim
  unsupported,         // known, but not by this build or version
  cancelled,           // we were asked to stop
  internal,            // a library failed in a way that we do not know
};

const char* to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;     // for people: place, cause, fix
  bool retriable = false;  // the same call may succeed later

  bool operator==(const Error&) const = default;
};

inline Error invalid_argument(std::string message) { return {ErrorCode::invalid_argument, std::move(message)}; }
inline Error corrupt(std::string message) { return {ErrorCode::corrupt, std::move(message)}; }

template <class T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by intent
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by intent

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    RIDE_CHECK(ok(), error_text());
    return std::get<0>(state_);
  }
  const T& value() const& {
    RIDE_CHECK(ok(), error_text());
    return std::get<0>(state_);
  }
  T value() && {  // by value: a reference into a temporary would dangle in a range-for
    RIDE_CHECK(ok(), error_text());
    return std::get<0>(std::move(state_));
  }
  const Error& error() const {
    RIDE_CHECK(!ok(), "error() of a Result that holds a value");
    return std::get<1>(state_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::string error_text() const { return ok() ? std::string() : std::get<1>(state_).message; }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by intent

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  void value() const { RIDE_CHECK(ok(), error_ ? error_->message : ""); }
  const Error& error() const {
    RIDE_CHECK(!ok(), "error() of a Result that holds a value");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace ride

// RIDE_TRY(call()): returns the Error of a call from the function around it, whose Result may be of another type. A
// value that does something when it is destroyed (a process, a lock) is not dropped by it: RIDE_ASSIGN keeps it.
// RIDE_ASSIGN(auto x, call()): the same, and else x is the value. Both evaluate the call once.
#define RIDE_TRY(...)                                                                       \
  do {                                                                                      \
    auto ride_tried = (__VA_ARGS__);                                                        \
    using RideTried = typename decltype(ride_tried)::Value;                                 \
    static_assert(std::is_void_v<RideTried> || std::is_trivially_destructible_v<RideTried>, \
                  "RIDE_TRY would destroy this value at once: keep it with RIDE_ASSIGN");   \
    if (!ride_tried.ok()) return ride_tried.error();                                        \
  } while (false)
#define RIDE_CONCAT_(a, b) a##b
#define RIDE_CONCAT(a, b) RIDE_CONCAT_(a, b)
#define RIDE_ASSIGN(declaration, ...) RIDE_ASSIGN_(RIDE_CONCAT(ride_result_, __LINE__), declaration, __VA_ARGS__)
#define RIDE_ASSIGN_(result, declaration, ...) \
  auto result = (__VA_ARGS__);                 \
  if (!result.ok()) return result.error();     \
  declaration = std::move(result).value()
