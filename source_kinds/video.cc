// A video file, or one that a server has: a sequence of known frames.
#include "source_kinds/source_decl.h"
#include "source_kinds/timeouts.h"

namespace ride {
namespace {

std::vector<KeySpec> video_keys() {
  auto keys = timeout_keys();
  keys.push_back({.name = "loop",
                  .type = KeyType::loop,
                  .doc = "Video: true plays it for ever, a number so many times.",
                  .default_text = "false",
                  .min = 1,
                  .max = 1e9,
                  .example = "true",
                  .default_value = std::int64_t{1}});  // plays; 0: for ever
  return keys;
}

}  // namespace

SourceDecl declare_video() {
  return {.name = "video",
          .what = {.name = "video",
                   .type = KeyType::uri,
                   .doc = "A video file, read from its start.",
                   .example = "street.avi"},
          .keys = video_keys(),
          .finite = [](const ParamValues& params) { return get_int(params, "loop") > 0; },
          .finite_text = "a video without 'loop: true'",
          .numbering = Numbering::by_position,
          .own_rate = true,
          .input = SourceInput::file,
          .indivisible = true};
}

}  // namespace ride
