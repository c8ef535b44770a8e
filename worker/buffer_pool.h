// BufferPool: pictures that are used again once nobody refers to them. Threads: allocate() from one thread; the
// pictures may be dropped on any. Memory: at most `limit_bytes` is kept for reuse; what is handed out beyond it is
// simply freed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "common/frame.h"

namespace ride::worker {

class BufferPool {
 public:
  explicit BufferPool(std::int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Contents undefined.
  cv::Mat allocate(int rows, int cols, int type) {
    for (auto& kept : kept_)
      if (kept.rows == rows && kept.cols == cols && kept.type() == type && is_free(kept)) return kept;
    cv::Mat fresh(rows, cols, type);
    keep(fresh);
    return fresh;
  }

 private:
  // Only we refer to it. Acquire: what its last user did happens before we hand it out again.
  static bool is_free(const cv::Mat& mat) { return __atomic_load_n(&mat.u->refcount, __ATOMIC_ACQUIRE) == 1; }

  void keep(const cv::Mat& fresh) {
    const auto bytes = pixel_bytes(fresh);
    if (bytes > limit_bytes_) return;
    // Shapes change rarely: free memory by releasing what is unused, oldest first.
    for (auto it = kept_.begin(); it != kept_.end() && kept_bytes_ + bytes > limit_bytes_;) {
      if (!is_free(*it)) {
        ++it;
        continue;
      }
      kept_bytes_ -= pixel_bytes(*it);
      it = kept_.erase(it);
    }
    if (kept_bytes_ + bytes > limit_bytes_) return;
    kept_.push_back(fresh);
    kept_bytes_ += bytes;
  }

  std::int64_t limit_bytes_, kept_bytes_ = 0;
  std::vector<cv::Mat> kept_;
};

}  // namespace ride::worker
