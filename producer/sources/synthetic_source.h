// A made-up scene: the picture is a pure function of (options, number), on every machine. The number stands in the
// picture. Cost: a copy of the background and a few filled shapes, about 0.2 ms at 900 x 900. Owner and threads:
// producer/source.h.
#pragma once

#include <cstdint>

#include "producer/source.h"
#include "source_kinds/synthetic.h"

namespace ride::producer {

enum class Scene { moving, noise };

struct SyntheticOptions {
  int width = kSceneWidth, height = kSceneHeight, channels = kSceneChannels;
  std::int64_t frames = kSceneFrames;  // 0: endless
  std::int64_t seed = kSceneSeed;
  Scene scene = Scene::moving;
};

class SyntheticSource : public Source {
 public:
  explicit SyntheticSource(SyntheticOptions options);

  Result<void> open(std::int64_t first) override;
  Result<Pulled> next(std::chrono::milliseconds timeout) override;
  void close() override {}
  SourceState state() const override;

  // 8 bit, `channels` channels (BGR, then alpha).
  cv::Mat picture(std::int64_t number) const;

 private:
  cv::Mat moving(std::int64_t number) const;
  cv::Mat noise(std::int64_t number) const;

  SyntheticOptions options_;
  cv::Mat background_;
  std::int64_t next_ = 0;
};

}  // namespace ride::producer
