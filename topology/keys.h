// Every key of a topology file, declared once: the parser checks files against this table, the JSON Schema and the
// reference page are written from it. Constant data; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/key_spec.h"
#include "common/result.h"
#include "source_kinds/source_decl.h"

namespace ride::topology {

const Section& file_section();
const Section& source_section();
const Section& stage_section();
const Section& sink_section();
const Section& topic_section();
const Section& group_section();
const Section& output_section();
const Section& test_section();
const Section& input_section();  // of a test: the kinds whose frames are the same each time, and which of them
const Section& expect_section();
const Section& object_section();
std::vector<const Section*> all_sections();  // in the order of the reference page

// The section that holds a kind's keys, where its own key is a map ("synthetic: { width: 900 }"); null: they stand
// beside it.
const Section* section_of(const SourceDecl& kind);

// The keys that stand beside a kind's own and that not every kind knows, once for each that does.
struct KindKey {
  std::string key, kind;
};
const std::vector<KindKey>& kind_keys();

inline constexpr std::size_t kMaxNameLength = 64;  // prefix.job.run.stage stays below Kafka's 249
inline constexpr const char* kNamePattern = "^[a-z0-9][a-z0-9_-]{0,63}$";
inline constexpr std::size_t kMaxTopicNameLength = 249;
inline constexpr const char* kTopicPattern = "^[a-zA-Z0-9._-]{1,249}$";
bool is_name(std::string_view text);
bool is_topic_name(std::string_view text);

// A single value as it stands in a file, ${VAR} filled in.
struct ScalarText {
  std::string text;
  bool quoted = false;
};

// duration: ms; bytes, pixels, integer, loop (plays, 0: for ever): int64; number, fps: double; all else, and fps "max",
// text. Nothing when the value does not fit the declaration.
using ScalarValue = std::variant<bool, std::int64_t, double, std::string>;
std::optional<ScalarValue> convert(const KeySpec& key, const ScalarText& text);

// "a whole number from 1 to 4096": what convert() accepts, in words.
std::string expected(const KeySpec& key);

// How the given value is fixed, for example "add a unit: 10s"; empty where expected() says it all.
std::string fix_for(const KeySpec& key, const ScalarText& text);

}  // namespace ride::topology
