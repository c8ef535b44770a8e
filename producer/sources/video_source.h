// A video file, read from its start, once, several times or for ever. A frame's number is its place in the whole
// sequence, all plays counted. Owner and threads: producer/source.h.
#pragma once

#include <cstdint>
#include <opencv2/videoio.hpp>
#include <string>

#include "producer/source.h"
#include "producer/sources/patience.h"

namespace ride::producer {

struct VideoFileOptions {
  std::string path;             // or a URL that FFmpeg fetches
  std::string shown;            // the same for messages: no credentials
  std::int64_t plays = 1;       // 0: for ever
  std::int64_t max_pixels = 0;  // 0: no limit
  Patience patience;            // with a URL's server
};

class VideoSource : public Source {
 public:
  explicit VideoSource(VideoFileOptions options);

  // Reaches `first` by decoding what lies before it: seeking lands on key frames, and numbers would shift.
  Result<void> open(std::int64_t first) override;
  Result<Pulled> next(std::chrono::milliseconds timeout) override;
  void close() override;
  SourceState state() const override;

 private:
  Result<void> start_play();
  Result<bool> grab();  // false: the last play is over
  Result<void> skip_to(std::int64_t first);
  std::string hidden(std::string text) const;

  VideoFileOptions options_;
  cv::VideoCapture capture_;
  double fps_ = 0;
  std::int64_t claimed_length_ = -1;  // what the container claims
  std::int64_t length_ = -1;          // frames of one play, once it was read to its end
  std::int64_t play_ = 0;
  std::int64_t in_play_ = 0;  // frames grabbed in this play
  std::int64_t next_ = 0;
};

}  // namespace ride::producer
