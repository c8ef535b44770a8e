// The maker of cameras: a device of this node or a stream of the network, each behind a capture thread (live_source.h).
#include <spdlog/fmt/fmt.h>

#include "common/log.h"
#include "common/redact.h"
#include "producer/source_request.h"
#include "producer/sources/capture_device.h"
#include "producer/sources/capture_stream.h"
#include "producer/sources/live_source.h"

namespace ride::producer {

MadeSource make_camera_source(const SourceRequest& request) {
  const auto& source = request.source;
  auto uri = filled_secret_uri(request);
  if (!uri) return uri.error();
  LiveOptions options{.shown = redact(source.uri),
                      .max_fps = source.fps,
                      .max_pixels = source.max_pixels,
                      .patience = patience_of(request)};
  if (const auto path = device_path(*uri)) {
    if (!has_variables(source.uri)) options.shown = *path;
    return std::unique_ptr<Source>(std::make_unique<LiveSource>(
        options, [path = *path, shown = options.shown, fps = source.fps, read = options.patience.read] {
          return make_device_grabber(path, shown, fps, read);
        }));
  }
  if (scheme_of(*uri).empty()) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("camera '{}' is neither a device (0, /dev/video0) nor a URL (rtsp://...)", redact(source.uri)),
        false};
  }
  const StreamOptions stream{.url = *uri, .shown = options.shown, .patience = options.patience};
  return std::unique_ptr<Source>(
      std::make_unique<LiveSource>(options, [stream] { return make_stream_grabber(stream); }));
}

}  // namespace ride::producer
