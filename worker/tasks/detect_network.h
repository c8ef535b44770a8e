// A network of cv::dnn from model files of Caffe, TensorFlow, ONNX or Darknet. The one place that parses them: their
// importers may crash on foreign bytes, so only a worker comes here. Owner: who opened it; several tasks of a thread
// that ask for the same one share it. Threads: the one that opened it. Memory: the files while they are read, weights,
// and the values between layers, which are refused above kMaxNetworkBytes. Failure: an Error that names the file.
// run() throws cv::Exception.
#pragma once

#include <cstddef>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/tasks/known_models.h"

namespace ride::tasks {

inline constexpr std::int64_t kMaxWeightsFile = std::int64_t{1} << 30;
inline constexpr std::int64_t kMaxConfigFile = std::int64_t{16} << 20;
inline constexpr std::size_t kMaxNetworkBytes = std::size_t{4} << 30;

struct NetworkPlan {
  std::string model, config;         // files; their endings say whose they are (known_models.h)
  std::vector<std::string> outputs;  // by name, in this order; empty: those that no layer reads
  cv::Size input;
  double scale = 1;  // of (pixel - mean), pixels being 0 to 255
  cv::Scalar mean;   // in the network's order of channels
  bool swap_rb = true;
};

class Network {
 public:
  static Result<std::shared_ptr<Network>> open(const NetworkPlan& plan);
  ~Network();

  // `picture`: 8-bit BGR of the plan's size. The outputs are valid until the next call.
  std::vector<cv::Mat> run(const cv::Mat& picture);

  const NetworkPlan& plan() const { return plan_; }
  Framework framework() const { return framework_; }
  // Of a network that ends in a layer DetectionOutput: its classes, the background included.
  std::optional<int> ssd_classes() const;

 private:
  struct Layers;
  Network(NetworkPlan plan, Framework framework);
  Result<void> load();
  Result<void> check_outputs();
  Result<void> check_memory() const;

  NetworkPlan plan_;
  Framework framework_;
  std::unique_ptr<Layers> layers_;
};

}  // namespace ride::tasks
