#include "worker/tasks/cascade_file.h"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

#include <chrono>
#include <opencv2/core/persistence.hpp>
#include <optional>
#include <vector>

#include "common/file_text.h"

namespace ride::tasks {
namespace {

constexpr int kDeepest = 32;  // OpenCV's reader calls itself for each level; cascades have eight
constexpr int kWidestWindow = 1000;
constexpr int kLbpCategories = 256;

using Problem = std::optional<std::string>;

// Whether elements stand in each other deeper than any cascade's, or more are closed than were opened. "/>" closes one
// inside its tag only: in text and in quotes it stands for nothing.
bool too_deep(const std::string& text) {
  int depth = 0;
  bool in_tag = false;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    if (text.compare(at, 4, "<!--") == 0) {
      at = text.find("-->", at + 4);
      if (at == std::string::npos) return false;  // a comment to the end
      at += 2;
    } else if (text[at] == '<' && text[at + 1] != '?') {
      in_tag = text[at + 1] != '/';
      depth += in_tag ? 1 : -1;
    } else if (in_tag && text[at] == '/' && text[at + 1] == '>') {
      in_tag = false;
      --depth;
    } else if (text[at] == '>') {
      in_tag = false;
    }
    if (depth > kDeepest || depth < 0) return true;
  }
  return false;
}

// Whole numbers and others, as OpenCV reads them.
std::vector<double> numbers(const cv::FileNode& list) {
  std::vector<double> values;
  for (const cv::FileNode& value : list) values.push_back(value.isInt() || value.isReal() ? value.real() : -1e9);
  return values;
}

bool whole(double value, double least, double most) { return value >= least && value <= most && value == int(value); }

class Check {
 public:
  explicit Check(const cv::FileNode& root) : root_(root) {}

  Problem problem() {
    if (!root_.isMap()) return "it holds no cascade";
    const std::string stage = root_["stageType"], feature = root_["featureType"];
    lbp_ = feature == "LBP";
    if (stage != "BOOST" || (!lbp_ && feature != "HAAR"))
      return "it is no boosted cascade of Haar or LBP features (older formats are not read)";
    if (!root_["width"].isInt() || !root_["height"].isInt()) return "it names no window";
    width_ = root_["width"];
    height_ = root_["height"];
    if (width_ < 1 || height_ < 1 || width_ > kWidestWindow || height_ > kWidestWindow)
      return fmt::format("its window of {}x{} is not from 1 to {} pixels", width_, height_, kWidestWindow);
    const cv::FileNode categories = root_["featureParams"]["maxCatCount"];
    if (!categories.isInt() || int(categories) != (lbp_ ? kLbpCategories : 0))
      return "its 'maxCatCount' does not fit its kind of features";
    if (auto wrong = features()) return wrong;
    return stages();
  }

 private:
  Problem features() {
    for (const cv::FileNode& one : root_["features"]) {
      if (lbp_ ? !lbp_fits(numbers(one["rect"])) : !haar_fits(one))
        return fmt::format("its feature {} lies outside its window", features_);
      ++features_;
    }
    return features_ > 0 ? Problem() : "it has no features";
  }

  // Three by three blocks of this size.
  bool lbp_fits(const std::vector<double>& rect) const {
    return rect.size() == 4 && lies_within(rect, rect[0] + 3 * rect[2], rect[1] + 3 * rect[3]);
  }

  bool haar_fits(const cv::FileNode& feature) const {
    const cv::FileNode rects = feature["rects"];
    if (!rects.isSeq() || rects.empty() || rects.size() > 3) return false;
    const bool tilted = !feature["tilted"].empty() && int(feature["tilted"]) != 0;
    for (const cv::FileNode& node : rects) {
      const auto rect = numbers(node);
      if (rect.size() != 5) return false;
      // One that stands on its corner reaches from x - height to x + width, and down by both.
      const double bottom = rect[1] + rect[3] + (tilted ? rect[2] : 0);
      if (!lies_within(rect, rect[0] + rect[2], bottom) || (tilted && rect[0] < rect[3])) return false;
    }
    return true;
  }

  bool lies_within(const std::vector<double>& rect, double right, double bottom) const {
    return whole(rect[0], 0, width_) && whole(rect[1], 0, height_) && whole(rect[2], 1, width_) &&
           whole(rect[3], 1, height_) && right <= width_ && bottom <= height_;
  }

  Problem stages() const {
    int count = 0;
    for (const cv::FileNode& stage : root_["stages"]) {
      if (!stage["stageThreshold"].isReal() && !stage["stageThreshold"].isInt())
        return fmt::format("its stage {} has no threshold", count);
      int trees = 0;
      for (const cv::FileNode& tree : stage["weakClassifiers"]) {
        if (!tree_fits(numbers(tree["internalNodes"]), tree["leafValues"].size()))
          return fmt::format("tree {} of its stage {} names nodes, leaves or features that it has not", trees, count);
        ++trees;
      }
      if (trees == 0) return fmt::format("its stage {} is empty", count);
      ++count;
    }
    return count > 0 ? Problem() : "it has no stages";
  }

  // A node is left, right, feature, and a threshold or a set of categories. Above 0 left and right are nodes behind it,
  // else leaves.
  bool tree_fits(const std::vector<double>& nodes, std::size_t leaves) const {
    const std::size_t step = 3 + (lbp_ ? kLbpCategories / 32 : 1);
    const std::size_t count = nodes.size() / step;
    if (nodes.empty() || nodes.size() % step != 0 || leaves != count + 1) return false;
    for (std::size_t i = 0; i < count; ++i) {
      const double* node = nodes.data() + i * step;
      for (const double next : {node[0], node[1]}) {
        if (!whole(next, 1.0 - static_cast<double>(leaves), static_cast<double>(count) - 1)) return false;
        if (next > 0 && next <= static_cast<double>(i)) return false;
      }
      if (!whole(node[2], 0, features_ - 1)) return false;
    }
    return true;
  }

  const cv::FileNode root_;
  bool lbp_ = false;
  int width_ = 0, height_ = 0;
  int features_ = 0;
};

Error broken(const std::string& path, const std::string& why) {
  return {ErrorCode::corrupt,
          fmt::format("the cascade {} cannot be used: {}; take one of Debian's package opencv-data", path, why)};
}

}  // namespace

Result<void> load_cascade(const std::string& path, cv::CascadeClassifier& cascade) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) {
    return Error{ErrorCode::not_found, fmt::format("the cascade {} is not there: install Debian's package opencv-data "
                                                   "on this machine, or name another file",
                                                   path)};
  }
  if (S_ISREG(about.st_mode) && static_cast<std::size_t>(about.st_size) > kMaxCascadeFile)
    return broken(path, fmt::format("it is larger than {} MB", kMaxCascadeFile >> 20));
  RIDE_ASSIGN(const auto text,
              read_named_file(path, {.most_bytes = kMaxCascadeFile, .patience = std::chrono::seconds(2)}));
  if (!text.starts_with("<?xml")) return broken(path, "it is no XML file");
  if (too_deep(text)) return broken(path, fmt::format("its elements stand more than {} deep in each other", kDeepest));
  try {
    const cv::FileStorage file(text, cv::FileStorage::READ | cv::FileStorage::MEMORY);
    const cv::FileNode root = file.getFirstTopLevelNode();
    if (const auto wrong = Check(root).problem()) return broken(path, *wrong);
    if (!cascade.read(root) || cascade.empty()) return broken(path, "OpenCV does not know its format");
  } catch (const cv::Exception& failure) {
    return broken(path, "OpenCV says: " + failure.err);
  }
  return {};
}

}  // namespace ride::tasks
