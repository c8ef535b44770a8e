// Rounding of pixel values that are computed in floating point. Pure. Internal to this folder.
#pragma once

namespace ride::tasks {

// The nearest whole number, halves upwards, of a value >= 0 that Value can hold: the caller cuts it. A cast, since
// lround does not become a vector instruction.
template <class Value>
inline Value nearest(float value) {
  return static_cast<Value>(value + 0.5f);  // NOLINT(bugprone-incorrect-roundings)
}

}  // namespace ride::tasks
