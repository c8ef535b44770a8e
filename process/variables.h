// Environment variables by which RIDE's programs pass to each other who started whom. What a child must not take for
// its own is kOfOneProcess. Pure.
#pragma once

#include <array>

#include "common/crash_note.h"

namespace ride::process {

// "name#3f9a…": the name of a child's first incarnation, which its agent chose so that it can name it when it ends.
inline constexpr const char* kIncarnationVariable = "RIDE_INCARNATION";
// How often in a row a process that was started by hand has started itself again.
inline constexpr const char* kStartedAgainVariable = "RIDE_STARTED_AGAIN";

// Of one process, not of its children; RIDE_TOKEN opens the API and is no worker's business.
inline constexpr std::array kOfOneProcess = {kIncarnationVariable, kStartedAgainVariable, kCrashNoteVariable,
                                             "RIDE_TOKEN"};

}  // namespace ride::process
