// A cascade file, the trained classifier of a kind of object, opened. Owner of the classifier: the caller. Any thread.
// The files are OpenCV's (XML, boosted Haar or LBP features: Viola and Jones, "Rapid object detection using a boosted
// cascade of simple features", 2001; Liao et al., "Learning multi-scale block local binary patterns", 2007).
#pragma once

#include <opencv2/objdetect.hpp>
#include <string>

#include "common/result.h"

namespace ride::tasks {

inline constexpr std::size_t kMaxCascadeFile = 8 << 20;  // the largest of Debian's has 2.7 MB

// Reads at most kMaxCascadeFile. OpenCV trusts the numbers in such a file, so they are checked here first: window,
// features within it, nodes and leaves that exist, no circles. Error (not_found, corrupt, invalid_argument): names the
// file, the cause and what to do.
Result<void> load_cascade(const std::string& path, cv::CascadeClassifier& cascade);

}  // namespace ride::tasks
