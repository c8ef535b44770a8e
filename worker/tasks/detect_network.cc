#include "worker/tasks/detect_network.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <opencv2/dnn.hpp>

#include "common/cause.h"

namespace ride::tasks {
namespace {

using Bytes = std::vector<uchar>;

// Closed when it goes.
struct File {
  int number = -1;
  ~File() {
    if (number >= 0) ::close(number);
  }
};

Error unusable(ErrorCode code, const std::string& file, const std::string& why) {
  return {code, fmt::format("the model file {} {}", file, why)};
}

// Regular files only, without waiting for a pipe's writer; what is larger than `most` is not read at all.
Result<Bytes> read_model_file(const std::string& path, std::int64_t most) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat about {};
  if (file.number < 0 || ::fstat(file.number, &about) != 0) {
    const int why = errno;
    return unusable(why == ENOENT ? ErrorCode::not_found : ErrorCode::permission, path,
                    fmt::format("cannot be read: {}. Ship it with 'ride submit' (a path without node:), or have it on "
                                "every machine whose workers run this stage, at this path (a relative one begins in "
                                "the folder of ride-worker)",
                                std::strerror(why)));
  }
  if (!S_ISREG(about.st_mode)) return unusable(ErrorCode::invalid_argument, path, "is no regular file");
  if (about.st_size == 0) return unusable(ErrorCode::corrupt, path, "is empty: fetch it again");
  if (about.st_size > most) {
    return unusable(ErrorCode::resource_exhausted, path,
                    fmt::format("has {} MB; at most {} MB are read", about.st_size >> 20, most >> 20));
  }
  Bytes bytes(static_cast<std::size_t>(about.st_size));
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::read(file.number, bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unusable(ErrorCode::permission, path, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) return unusable(ErrorCode::corrupt, path, "became shorter while it was read");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

cv::dnn::Net import_model(Framework framework, const Bytes& model, const Bytes& config, bool weightless) {
  switch (framework) {
    case Framework::caffe:
      return weightless ? cv::dnn::readNetFromCaffe(model) : cv::dnn::readNetFromCaffe(config, model);
    case Framework::tensorflow:
      return cv::dnn::readNetFromTensorflow(model, config);
    case Framework::onnx:
      return cv::dnn::readNetFromONNX(model);
    case Framework::darknet:
      return cv::dnn::readNetFromDarknet(config, model);
  }
  return {};
}

// Bytes that a Darknet network took from its file. The importer does not notice where the file ends.
std::size_t darknet_bytes(cv::dnn::Net& net, const Bytes& model) {
  std::size_t numbers = 0;
  for (const auto& name : net.getLayerNames()) {
    const auto layer = net.getLayer(name);
    if (layer->type != "Convolution" && layer->type != "BatchNorm" && layer->type != "InnerProduct") continue;
    for (const cv::Mat& blob : layer->blobs) numbers += blob.total();
  }
  // Version (major, minor, revision) and how many pictures it has seen, in 64 bits since 0.2.
  std::int32_t version[2] = {};
  if (model.size() >= sizeof version) std::memcpy(version, model.data(), sizeof version);
  return (version[0] > 0 || version[1] >= 2 ? 20 : 16) + 4 * numbers;
}

std::string key_of(const NetworkPlan& plan) {
  std::string key;
  for (const auto& path : {plan.model, plan.config}) {
    key += path + '\n';
    struct stat about {};
    if (!path.empty() && ::stat(path.c_str(), &about) == 0)
      key += fmt::format("{} {} {} {}.{}\n", about.st_dev, about.st_ino, about.st_size, about.st_mtim.tv_sec,
                         about.st_mtim.tv_nsec);
  }
  for (const auto& output : plan.outputs) key += output + "\n";
  return key + fmt::format("{}x{} {} {} {} {} {}", plan.input.width, plan.input.height, plan.scale, plan.mean[0],
                           plan.mean[1], plan.mean[2], plan.swap_rb);
}

// A worker has a task for each of its partitions; one network serves them all. By thread: a network has one caller.
std::weak_ptr<Network>& shared_place(const std::string& key) {
  thread_local std::map<std::string, std::weak_ptr<Network>> places;
  std::erase_if(places, [](const auto& place) { return place.second.expired(); });
  return places[key];
}

}  // namespace

struct Network::Layers {
  cv::dnn::Net net;
  std::vector<cv::String> outputs;
  cv::dnn::MatShape input;
};

Network::Network(NetworkPlan plan, Framework framework)
    : plan_(std::move(plan)), framework_(framework), layers_(std::make_unique<Layers>()) {
  layers_->input = {1, 3, plan_.input.height, plan_.input.width};
}

Network::~Network() = default;

Result<std::shared_ptr<Network>> Network::open(const NetworkPlan& plan) {
  const std::string key = key_of(plan);
  if (auto open_already = shared_place(key).lock()) return open_already;
  if (const auto problem = problem_of_names(plan.model, plan.config))
    return Error{ErrorCode::invalid_argument, *problem};
  const std::shared_ptr<Network> network(new Network(plan, *framework_of(plan.model)));
  RIDE_TRY(network->load());
  try {
    RIDE_TRY(network->check_outputs());
    RIDE_TRY(network->check_memory());
  } catch (const std::exception& failure) {
    return unusable(ErrorCode::corrupt, plan.model, fmt::format("cannot be used: {}", cause_of(failure)));
  }
  shared_place(key) = network;
  return network;
}

Result<void> Network::load() {
  const bool weightless = framework_ == Framework::caffe && plan_.config.empty();
  RIDE_ASSIGN(const Bytes model, read_model_file(plan_.model, weightless ? kMaxConfigFile : kMaxWeightsFile));
  Bytes config;
  if (!plan_.config.empty()) {
    RIDE_ASSIGN(config, read_model_file(plan_.config, kMaxConfigFile));
  }
  try {
    layers_->net = import_model(framework_, model, config, weightless);
    if (layers_->net.empty()) return unusable(ErrorCode::corrupt, plan_.model, "holds no network");
    layers_->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    layers_->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    const auto needed = framework_ == Framework::darknet ? darknet_bytes(layers_->net, model) : 0;
    if (needed <= model.size()) return {};
    return unusable(ErrorCode::corrupt, plan_.model,
                    fmt::format("has {} bytes, but the network of {} needs {}: it is truncated, or belongs to another "
                                "description",
                                model.size(), plan_.config, needed));
  } catch (const std::exception& failure) {
    return unusable(
        ErrorCode::corrupt, plan_.model,
        fmt::format("{}is not what its name says, damaged, or uses what OpenCV {} does not know: {}",
                    plan_.config.empty() ? "" : "(with " + plan_.config + ") ", CV_VERSION, cause_of(failure)));
  }
}

Result<void> Network::check_outputs() {
  const auto names = layers_->net.getLayerNames();
  for (const auto& output : plan_.outputs) {
    if (std::find(names.begin(), names.end(), output) != names.end()) continue;
    return unusable(ErrorCode::corrupt, plan_.model, fmt::format("has no output '{}'", output));
  }
  layers_->outputs = plan_.outputs.empty() ? layers_->net.getUnconnectedOutLayersNames()
                                           : std::vector<cv::String>(plan_.outputs.begin(), plan_.outputs.end());
  if (layers_->outputs.empty()) return unusable(ErrorCode::corrupt, plan_.model, "has no outputs");
  return {};
}

Result<void> Network::check_memory() const {
  std::size_t weights = 0, values = 0;
  layers_->net.getMemoryConsumption(layers_->input, weights, values);
  // Once more in doubles: OpenCV multiplies sizes as ints, and 2^32 values would be none.
  std::vector<int> ids;
  std::vector<std::vector<cv::dnn::MatShape>> in, out;
  layers_->net.getLayersShapes(layers_->input, ids, in, out);
  double bytes = static_cast<double>(weights);
  for (const auto& shapes : out)
    for (const auto& shape : shapes)
      bytes += std::accumulate(shape.begin(), shape.end(), double{sizeof(float)}, std::multiplies<>());
  if (bytes <= static_cast<double>(kMaxNetworkBytes) && values <= kMaxNetworkBytes) return {};
  return unusable(ErrorCode::resource_exhausted, plan_.model,
                  fmt::format("needs {:.0f} MB for a picture of {}x{}; at most {} MB are given: a smaller 'width' and "
                              "'height' need less",
                              std::max(bytes / (1 << 20), static_cast<double>(values >> 20)), plan_.input.width,
                              plan_.input.height, kMaxNetworkBytes >> 20));
}

std::vector<cv::Mat> Network::run(const cv::Mat& picture) {
  layers_->net.setInput(
      cv::dnn::blobFromImage(picture, plan_.scale, cv::Size(), plan_.mean, plan_.swap_rb, /*crop=*/false, CV_32F));
  std::vector<cv::Mat> outputs;
  layers_->net.forward(outputs, layers_->outputs);
  return outputs;
}

std::optional<int> Network::ssd_classes() const {
  if (layers_->outputs.size() != 1) return std::nullopt;
  const int id = layers_->net.getLayerId(layers_->outputs.front());
  if (layers_->net.getLayer(id)->type != "DetectionOutput") return std::nullopt;
  std::vector<cv::dnn::MatShape> in, out;
  layers_->net.getLayerShapes(layers_->input, id, in, out);
  // Locations, scores (boxes times classes), prior boxes (four numbers each).
  if (in.size() < 3 || in[1].size() < 2 || in[2].size() < 3 || in[2][2] < 4) return std::nullopt;
  const int boxes = in[2][2] / 4;
  const auto scores = std::accumulate(in[1].begin() + 1, in[1].end(), std::int64_t{1}, std::multiplies<>());
  return scores % boxes == 0 ? std::optional(static_cast<int>(scores / boxes)) : std::nullopt;
}

}  // namespace ride::tasks
