// What FFmpeg says when OpenCV only says "not opened", and FFmpeg's settings for live streams. The only file that knows
// FFmpeg.
#pragma once

#include <chrono>
#include <string>

namespace ride::producer {

inline constexpr std::chrono::seconds kV4lWait{
    1};  // OpenCV's for a picture of a device; a longer wait is several of them

// Sets the options of OpenCV's FFmpeg capture (RTSP over TCP, short analysis, no buffering), which hold for the whole
// process and are read from its environment, and collects FFmpeg's errors instead of having them printed: they may hold
// credentials. Call once in main() before other threads start. Options that the user has set stand.
void prepare_video_capture();

// Errors that FFmpeg logged on this thread since the last call, newest last, joined by "; "; empty when there are none.
std::string take_ffmpeg_errors();

}  // namespace ride::producer
