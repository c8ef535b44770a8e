// Where `ride up` puts the newer version of a file that came with a job, and where workers of the same machine look for
// it (decision 0050). Pure.
#pragma once

#include <filesystem>
#include <string>

namespace ride {

// Of workers: the folder; empty or unset: there are no newer versions.
inline constexpr const char* kReloadVariable = "RIDE_RELOAD";

// By the job and by the content that came with it, so that another job, and a later run with another file, have nothing
// to do with it.
inline std::filesystem::path newer_file(const std::filesystem::path& folder, const std::string& job,
                                        const std::string& stage, const std::string& param, const std::string& sha256) {
  return folder / "jobs" / job / (stage + "." + param + "." + sha256);
}

}  // namespace ride
