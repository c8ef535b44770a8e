#include "stream/frame_header.h"

namespace ride::stream {

RecordHeader header_for(const Frame& frame, const Content& content) {
  RecordHeader header;
  header.id = frame.id;
  header.captured_at = frame.captured_at;
  header.attributes = frame.attributes;
  header.passed_on = frame.passed_on;
  header.content_type = content.content_type;
  header.pixels = content.pixels;
  header.compressed = content.compressed;
  return header;
}

}  // namespace ride::stream
