// Turns the end of a broker's log into a sentence for people: cause and fix where it is a known one, else the first
// error line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/result.h"

namespace ride::broker {

// `start`: where the part of this run begins. `what`: what went wrong as seen from outside.
Error explain_log(const std::filesystem::path& log, std::uintmax_t start, const std::string& what);

}  // namespace ride::broker
