// A made-up scene.
#include "source_kinds/synthetic.h"

#include <spdlog/fmt/fmt.h>

#include "source_kinds/source_decl.h"

namespace ride {
namespace {

std::vector<KeySpec> scene_keys() {
  return {
      {.name = "width",
       .type = KeyType::integer,
       .doc = "Columns of a frame.",
       .min = 1,
       .max = 65535,
       .example = "900",
       .default_value = std::int64_t{kSceneWidth},
       .sizes_frames = true},
      {.name = "height",
       .type = KeyType::integer,
       .doc = "Rows of a frame.",
       .min = 1,
       .max = 65535,
       .example = "900",
       .default_value = std::int64_t{kSceneHeight},
       .sizes_frames = true},
      {.name = "channels",
       .type = KeyType::integer,
       .doc = "Channels of 8 bits: 1 is gray, 3 is BGR.",
       .min = 1,
       .max = 4,
       .example = "1",
       .default_value = std::int64_t{kSceneChannels},
       .sizes_frames = true},
      {.name = "frames",
       .type = KeyType::integer,
       .doc = "Number of frames after which the source ends.",
       .default_text = "endless",
       .min = 1,
       .max = 1e15,
       .example = "1800",
       .default_value = kSceneFrames},
      {.name = "seed",
       .type = KeyType::integer,
       .doc = "Seed of what is random in it.",
       .min = 0,
       .max = 9007199254740991.0,
       .example = "7",
       .default_value = kSceneSeed},
      {.name = "scene",
       .type = KeyType::choice,
       .doc = "moving: shapes that move over a background; noise: independent random pixels.",
       .choices = {"moving", "noise"},
       .example = "noise",
       .default_value = std::string("moving")},
  };
}

std::optional<FrameShape> scene_shape(const ParamValues& params) {
  return FrameShape{get_int(params, "height"), get_int(params, "width"), static_cast<int>(get_int(params, "channels")),
                    1};
}

std::string scene_text(const ParamValues& params) {
  return fmt::format("{}x{}x{} {}", get_int(params, "width"), get_int(params, "height"), get_int(params, "channels"),
                     get_string(params, "scene"));
}

}  // namespace

SourceDecl declare_synthetic() {
  return {.name = "synthetic",
          .what = {.name = "synthetic",
                   .type = KeyType::section,
                   .doc = "A made-up scene.",
                   .example = "{ width: 900, height: 900, channels: 1 }"},
          .section_doc = "A made-up scene, for tests and demonstrations; equal seeds give equal frames.",
          .keys = scene_keys(),
          .finite = [](const ParamValues& params) { return get_int(params, "frames") > 0; },
          .finite_text = "a synthetic scene with 'frames: N'",
          .numbering = Numbering::by_position,
          .fps = kSceneFps,
          .shape = scene_shape,
          .shown = scene_text};
}

}  // namespace ride
