#include "producer/sources/ffmpeg_setup.h"

extern "C" {
#include <libavutil/log.h>
}

#include <cstdio>
#include <cstdlib>
#include <deque>

#include "common/log.h"
#include "common/redact.h"

namespace ride::producer {
namespace {

constexpr std::size_t kKeptErrors = 4;

std::deque<std::string>& errors_of_this_thread() {
  thread_local std::deque<std::string> errors;
  return errors;
}

void on_log(void* context, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING) return;
  char text[512];
  int print_prefix = 0;  // "[tcp @ 0x55..]" says nothing to people
  av_log_format_line(context, level, format, arguments, text, sizeof text, &print_prefix);
  std::string line(text);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  // Most warnings say nothing about why a stream does not open; this one does (FFmpeg 5.1, http.c).
  if (line.empty() || (level > AV_LOG_ERROR && !line.starts_with("HTTP error"))) return;
  auto& errors = errors_of_this_thread();
  if (!errors.empty() && errors.back() == line) return;
  errors.push_back(std::move(line));
  if (errors.size() > kKeptErrors) errors.pop_front();
}

}  // namespace

void prepare_video_capture() {
  // Not fflags;nobuffer: it throws away what was read while the format was found out, the first key frame with it, and
  // files are opened with the same options.
  ::setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp|analyzeduration;500000|probesize;1000000",
           /*overwrite=*/0);
  ::setenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", std::to_string(kV4lWait.count()).c_str(),
           /*overwrite=*/0);                               // its own: 10
  ::setenv("OPENCV_LOG_LEVEL", "ERROR", /*overwrite=*/0);  // its warnings repeat at every attempt to reconnect
  av_log_set_callback(on_log);
}

std::string take_ffmpeg_errors() {
  std::string all;
  for (const std::string& line : errors_of_this_thread()) all += (all.empty() ? "" : "; ") + redact(line);
  errors_of_this_thread().clear();
  return all;
}

}  // namespace ride::producer
