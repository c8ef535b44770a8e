// The names of what a network finds: built-in lists, or a file with one a line. Reads that file; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride::tasks {

inline constexpr std::size_t kMaxLabelsFile = 1 << 20;

// One that is built in, by name.
inline bool is_label_list(std::string_view name) { return name == "coco80" || name == "coco90" || name == "voc20"; }

// `list`: coco80 (COCO's classes as YOLO and CenterNet number them), coco90 (COCO's own numbers 1 to 90, as
// TensorFlow's SSD models have them), voc20 (PASCAL VOC 2012), or a file. not_found, invalid_argument: with the file
// and the line.
Result<std::vector<std::string>> read_labels(const std::string& list);

}  // namespace ride::tasks
