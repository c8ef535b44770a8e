// Grabber for network streams: RTSP (over TCP), HTTP, UDP and what else FFmpeg reads.
#pragma once

#include <memory>
#include <string>

#include "producer/sources/live_source.h"

namespace ride::producer {

struct StreamOptions {
  std::string url;    // credentials filled in: never logged
  std::string shown;  // the template, for messages
  Patience patience;
};

std::unique_ptr<Grabber> make_stream_grabber(StreamOptions options);

// "rtsp", "http", ...; empty when `uri` has no scheme.
std::string scheme_of(const std::string& uri);

}  // namespace ride::producer
