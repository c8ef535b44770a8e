#include "worker/tasks/registry.h"

#include <map>

namespace ride::tasks {

std::unique_ptr<Task> create(const std::string& name) {
  static const std::map<std::string, std::unique_ptr<Task> (*)()> kMakers = {
      {"canny", make_canny},
      {"delay", make_delay},
      {"detect_people", make_detect_people},
      {"discard", make_discard},
      {"draw_detections", make_draw_detections},
      {"gaussian_blur", make_gaussian_blur},
      {"grayscale", make_grayscale},
      {"identity", make_identity},
      {"motion", make_motion},
      {"print", make_print},
      {"resize", make_resize},
      {"stddev_filter", make_stddev_filter},
      {"write_images", make_write_images},
      {"write_video", make_write_video},
  };
  const auto maker = kMakers.find(name);
  return maker == kMakers.end() ? nullptr : maker->second();
}

}  // namespace ride::tasks
