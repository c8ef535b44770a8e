// A small set of task declarations that stays as it is when the real tasks change, and an environment to go with it.
#pragma once

#include "common/environment.h"
#include "common/task_decl.h"

namespace ride::topology {

inline std::optional<std::string> odd(const ParamValue& value) {
  return std::get<std::int64_t>(value) % 2 == 1 ? std::nullopt : std::optional<std::string>("must be odd");
}

inline const TaskCatalog& test_catalog() {
  static const TaskCatalog catalog({
      {.name = "identity", .doc = "Passes frames on."},
      {.name = "gaussian_blur",
       .doc = "Blurs.",
       .params = {{.name = "ksize",
                   .type = ParamType::integer,
                   .doc = "Side of the kernel in pixels.",
                   .default_value = std::int64_t{5},
                   .min = 1,
                   .max = 255,
                   .rule = odd,
                   .rule_doc = "odd"},
                  {.name = "sigma",
                   .type = ParamType::number,
                   .doc = "Standard deviation in pixels.",
                   .default_value = 0.0,
                   .min = 0,
                   .max = 100}},
       .gpu = true},
      {.name = "resize",
       .doc = "Resizes.",
       .params = {{.name = "width", .type = ParamType::integer, .doc = "Columns.", .min = 1, .max = 65535},
                  {.name = "height", .type = ParamType::integer, .doc = "Rows.", .min = 1, .max = 65535},
                  {.name = "keep_aspect", .type = ParamType::boolean, .doc = "Keep it.", .default_value = false},
                  {.name = "method",
                   .type = ParamType::string,
                   .doc = "How.",
                   .default_value = std::string("area"),
                   .choices = {"area", "linear"}}}},
      {.name = "detect_people", .doc = "Finds people."},
      {.name = "sort_out", .doc = "Two ports.", .outputs = {"good", "bad"}},
      {.name = "track", .doc = "Follows people.", .needs_order = true},
      {.name = "write_images",
       .doc = "Writes files.",
       .params = {{.name = "path", .type = ParamType::string, .doc = "Where to."}},
       .outputs = {},
       .sink = true,
       .files = {.param = "path"}},
      {.name = "discard", .doc = "Forgets.", .outputs = {}, .sink = true},
  });
  return catalog;
}

inline Environment test_environment() {
  return environment_of({{"CAM_USER", "operator"},
                         {"CAM_PASS", "hunter2-secret"},
                         {"PARTS", "6"},
                         {"WORD", "secret-word"},
                         {"CAM_URL", "rtsp://boss:hunter2-secret@gate.example/stream"},
                         {"EMPTY", ""},
                         {"BLUR", "gaussian_blur"}});
}

// Must never show in anything that is printed.
inline constexpr const char* kSecrets[] = {"hunter2-secret", "secret-word"};

}  // namespace ride::topology
