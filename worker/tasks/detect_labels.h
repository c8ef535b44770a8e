// The names of what a network finds: built-in lists, or a file with one a line. Reads that file; any thread.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"

namespace ride::tasks {

// `list`: coco80 (COCO's classes as YOLO and CenterNet number them), coco90 (COCO's own numbers 1 to 90, as
// TensorFlow's SSD models have them), voc20 (PASCAL VOC 2012), or a file. not_found, invalid_argument: with the file
// and the line.
Result<std::vector<std::string>> read_labels(const std::string& list);

}  // namespace ride::tasks
