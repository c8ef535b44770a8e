// The name of the file that a frame came from, as it travels with the frame. Pure; any thread.
#pragma once

#include <map>
#include <string>

namespace ride {

// The attribute that a directory source writes: the file's path within the source's folder ("p01.jpg", "day1/p01.jpg").
inline constexpr const char* kSourceFileAttribute = "source_file";

// " (file p01.jpg)" for messages, empty where a frame has no file. One line; a long name is cut.
std::string file_note(const std::map<std::string, std::string>& attributes);

}  // namespace ride
