// What a synthetic scene is where a file does not say it. Constants.
#pragma once

#include <cstdint>

namespace ride {

inline constexpr int kSceneWidth = 640, kSceneHeight = 480, kSceneChannels = 3;
inline constexpr std::int64_t kSceneFrames = 0;  // endless
inline constexpr std::int64_t kSceneSeed = 1;
inline constexpr double kSceneFps = 30;

}  // namespace ride
