#include "worker/tasks/detect_labels.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "common/file_text.h"

namespace ride::tasks {
namespace {

// "-" stands for numbers that COCO gave to nothing.
constexpr std::string_view kCoco90 =
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,-,stop sign,parking meter,"
    "bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,-,backpack,umbrella,-,-,handbag,tie,suitcase,"
    "frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,-,"
    "wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,"
    "couch,potted plant,bed,-,dining table,-,-,toilet,-,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,"
    "toaster,sink,refrigerator,-,book,clock,vase,scissors,teddy bear,hair drier,toothbrush";
constexpr std::string_view kVoc20 =
    "aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,person,pottedplant,sheep,"
    "sofa,train,tvmonitor";

constexpr std::size_t kMaxLabels = 10000, kMaxLabel = 64;

std::vector<std::string> pieces(std::string_view text, char separator) {
  std::vector<std::string> list;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(separator, start), text.size());
    list.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return list;
}

// Labels travel in a header, and are drawn and printed.
bool fits(const std::string& label) {
  return !label.empty() && label.size() <= kMaxLabel &&
         std::none_of(label.begin(), label.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

Result<std::vector<std::string>> labels_in(const std::string& file, const std::string& text) {
  auto lines = pieces(text, '\n');
  for (auto& line : lines) {
    const auto last = line.find_last_not_of(" \t\r");
    line.erase(last == line.npos ? 0 : last + 1);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty())
    return Error{ErrorCode::invalid_argument,
                 fmt::format("the file of labels {} is empty: write one label a line", file)};
  if (lines.size() > kMaxLabels) {
    return Error{ErrorCode::invalid_argument, fmt::format("the file of labels {} has {} lines; at most {} are read",
                                                          file, lines.size(), kMaxLabels)};
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (fits(lines[i])) continue;
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{}:{}: a label of 1 to {} bytes without control characters is expected in each line",
                             file, i + 1, kMaxLabel)};
  }
  return lines;
}

}  // namespace

Result<std::vector<std::string>> read_labels(const std::string& list) {
  if (list == "voc20") return pieces(kVoc20, ',');
  if (list == "coco90") return pieces(kCoco90, ',');
  if (list == "coco80") {
    auto labels = pieces(kCoco90, ',');
    std::erase(labels, "-");
    return labels;
  }
  if (list == "-") return invalid_argument("'labels' is '-'; give coco80, coco90, voc20 or a file");  // standard input
  const auto text = read_named_file(list, {.most_bytes = kMaxLabelsFile, .patience = std::chrono::seconds(1)});
  if (!text.ok()) {
    return Error{text.error().code,
                 fmt::format("the labels: {}. 'labels' is coco80, coco90, voc20 or a file", text.error().message)};
  }
  return labels_in(list, *text);
}

}  // namespace ride::tasks
