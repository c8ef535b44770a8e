// Labels of detections as parameters of tasks: one ("face"), or several in one text ("face, person"; "*" is every one).
// Pure values. Internal to this folder.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "worker/tasks/params.h"

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
  // Spaces around a label do not belong to it.
  explicit LabelList(const std::string& text) : all_(text == "*") {
    for (std::size_t from = 0; from <= text.size();) {
      const std::size_t comma = std::min(text.find(',', from), text.size());
      const std::size_t first = std::min(text.find_first_not_of(' ', from), comma);
      std::size_t end = comma;
      while (end > first && text[end - 1] == ' ') --end;
      labels_.push_back(text.substr(first, end - first));
      from = comma + 1;
    }
  }

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
