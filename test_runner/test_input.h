// The frames that go into a test, read by the code that producers run: files with the checks and limits of a directory
// source, sources by the makers of their kinds. Reads files. Threads: one. Failure: an Error names the input, with
// cause and fix; nothing of a picture that is refused is used.
#pragma once

#include <filesystem>
#include <functional>

#include "common/environment.h"
#include "common/frame.h"
#include "test_runner/chain_plan.h"
#include "topology/test_case.h"

namespace ride::test_runner {

// `path` with its variables filled in, relative to `folder`. not_found: a variable is not set.
Result<std::string> file_path(const std::string& path, const std::filesystem::path& folder,
                              const Environment& environment);

inline constexpr std::int64_t kPictureMemory = 256 << 20;  // as a producer without --memory has it

using TakeFrame = std::function<Result<void>(const Frame& frame)>;

// Gives the frames in order; an Error of `take` ends the reading.
Result<void> read_input(const topology::TestCase& test, const ChainPlan& plan, const std::filesystem::path& folder,
                        const Environment& environment, const TakeFrame& take);

}  // namespace ride::test_runner
