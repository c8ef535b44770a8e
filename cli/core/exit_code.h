// How `ride` ends; stated in every --help.
#pragma once

#include "common/result.h"

namespace ride::cli {

enum class ExitCode { ok = 0, failed = 1, usage = 2, unreachable = 3, interrupted = 130, terminated = 143 };

inline constexpr const char* kExitCodesText =
    "Exit codes: 0 done, 1 failed, 2 wrong usage or a topology with errors, 3 master or Kafka out of reach, 130 "
    "Ctrl-C.";

// Of an error that ends a command.
constexpr ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return ExitCode::usage;
    case ErrorCode::unavailable:
    case ErrorCode::timeout:
      return ExitCode::unreachable;
    case ErrorCode::cancelled:
      return ExitCode::interrupted;
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
    case ErrorCode::permission:
    case ErrorCode::resource_exhausted:
    case ErrorCode::corrupt:
    case ErrorCode::unsupported:
    case ErrorCode::internal:
      return ExitCode::failed;
  }
  return ExitCode::failed;
}

}  // namespace ride::cli
