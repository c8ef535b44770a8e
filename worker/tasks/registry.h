// The makers of the built-in tasks, each in its own file; registry.cc joins them with their names. Internal to this
// folder.
#pragma once

#include <memory>

#include "worker/tasks/task.h"

namespace ride::tasks {

std::unique_ptr<Task> make_canny();
std::unique_ptr<Task> make_delay();
std::unique_ptr<Task> make_detect_people();
std::unique_ptr<Task> make_discard();
std::unique_ptr<Task> make_draw_detections();
std::unique_ptr<Task> make_gaussian_blur();
std::unique_ptr<Task> make_grayscale();
std::unique_ptr<Task> make_identity();
std::unique_ptr<Task> make_motion();
std::unique_ptr<Task> make_print();
std::unique_ptr<Task> make_resize();
std::unique_ptr<Task> make_stddev_filter();
std::unique_ptr<Task> make_write_images();
std::unique_ptr<Task> make_write_video();

}  // namespace ride::tasks
