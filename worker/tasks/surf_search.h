// The SURF points of a picture of any size, in tiles of 4096 x 4096 pixels and what their points look at around them:
// the same to the bit as of the whole picture, in a quarter of a gigabyte beside it with default parameters. Pure, but
// for cv::parallel_for_. Internal to this folder; part of the product only with RIDE_SURF=ON (surf_kernel.h).
#pragma once

#include <functional>
#include <opencv2/core/mat.hpp>

#include "worker/tasks/keypoints.h"
#include "worker/tasks/surf_kernel.h"

namespace ride::tasks {

struct SurfKeypointSearch {
  SurfSearch surf;
  std::size_t most = 500;    // points that are kept, the strongest
  bool descriptors = false;  // with each point: its 64 values in 1/127, as signed bytes
  int threads = 1;
  int core_side = 4096;
};

// `picture` has 8 bits and 1, 3 or 4 channels; its brightness counts. Calls `progress` after each tile.
FoundKeypoints find_surf_keypoints(const cv::Mat& picture, const SurfKeypointSearch& search,
                                   const std::function<void()>& progress);

}  // namespace ride::tasks
