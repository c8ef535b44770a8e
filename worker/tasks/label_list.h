// Labels of detections as parameters of tasks: one ("face"), or several in one text ("face, person"; "*" is every one).
// Pure values. Internal to this folder.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "worker/tasks/params.h"
#include "worker/tasks/text_list.h"

namespace ride::tasks {

inline constexpr const char* kLabelRuleDoc = "1 to 64 bytes without a comma, not '*'";
inline constexpr const char* kLabelsRuleDoc = "labels with commas between them, or '*'";

inline std::optional<std::string> label_problem(const std::string& label) {
  if (label.empty()) return "a label is empty";
  if (label.size() > 64) return "a label is longer than 64 bytes";
  if (label == "*") return "'*' stands for every label, alone";
  return std::nullopt;
}

inline std::optional<std::string> label_rule(const ParamValue& value) {
  const auto& label = std::get<std::string>(value);
  if (label.find(',') != std::string::npos) return "a label has no comma";
  return label_problem(label);
}

class LabelList {
 public:
  LabelList() = default;
  explicit LabelList(const std::string& text) : all_(text == "*"), labels_(comma_parts(text)) {}

  bool holds(const std::string& label) const {
    return all_ || std::find(labels_.begin(), labels_.end(), label) != labels_.end();
  }

  std::optional<std::string> problem() const {
    if (all_) return std::nullopt;
    for (const std::string& label : labels_) {
      if (auto wrong = label_problem(label)) return wrong;
    }
    return std::nullopt;
  }

 private:
  bool all_ = false;
  std::vector<std::string> labels_;
};

inline std::optional<std::string> labels_rule(const ParamValue& value) {
  return LabelList(std::get<std::string>(value)).problem();
}

template <class Options>
Param<Options> labels_param(std::string Options::*labels, const std::string& what) {
  return {"labels",
          labels,
          what + ", with commas between them (\"face, person\"); \"*\": every one",
          {.rule = labels_rule, .rule_doc = kLabelsRuleDoc}};
}

}  // namespace ride::tasks
