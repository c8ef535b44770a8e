// Counts and states in words. Pure; any thread.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace ride {

// "1 worker", "3 workers", "0 workers". `many` is given where it is not `one` and an s: counted(n, "entry", "entries"),
// counted(n, "frame waits", "frames wait").
template <std::integral Count>
std::string counted(Count count, std::string_view one, std::string_view many = {}) {
  std::string text = std::to_string(count);
  text += ' ';
  if (count == 1 || many.empty())
    text += one;
  else
    text += many;
  if (count != 1 && many.empty()) text += 's';
  return text;
}

// What a job of this phase does or did: "is running", "failed", "was cancelled".
inline std::string phase_in_words(std::string_view phase) {
  if (phase == "failed") return "failed";
  if (phase == "cancelled") return "was cancelled";
  if (phase == "creating") return "is being created";
  return "is " + std::string(phase);
}

}  // namespace ride
