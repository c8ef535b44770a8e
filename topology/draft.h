// What the parser knows of a file before it is known to be valid: sources and stages with the places of what later
// checks may complain about. Internal to the parser.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "topology/plugin_names.h"
#include "topology/section_reader.h"
#include "topology/topology.h"

namespace ride::topology {

struct SourceDraft {
  Source source;
  SourceLocation name_place;
  bool read = false;  // some stage reads it
};

struct ReferenceDraft {
  std::string text, name, port;  // port: as written, or empty
  SourceLocation place;
};

struct StageDraft {
  Stage stage;        // name is empty where it is missing or wrong
  std::string label;  // for messages: "stage 'clean'"
  SourceLocation name_place;
  SourceLocation task_place;
  const TaskDecl* task = nullptr;
  std::vector<ReferenceDraft> from;
  bool from_given = false;
  bool read = false;  // some stage reads it
  std::optional<SourceLocation> memory_place, max_pixels_place, adopt_place;
  std::vector<SourceLocation> output_places;  // as stage.outputs
};

struct TestDraft {
  TestCase test;
  std::string label;                    // for messages: "test 'finds the people'"
  std::vector<ReferenceDraft> through;  // empty: not given
  SourceLocation source_place;          // where test.source is given
  bool own_source = false;              // the input is frames of the job's own source
  SourceLocation input_place;
};

inline constexpr std::size_t kMaxSources = 2000, kMaxStages = 2000, kMaxTests = 1000, kMaxPlugins = 16;
// Of all topics that are made for a job. A Kafka broker holds some thousands: beyond that, elections and restarts take
// minutes.
inline constexpr std::int64_t kManyPartitions = 4000, kMostPartitions = 20'000;
inline constexpr std::int64_t kDefaultMaxPixels = 1'000'000'000;

std::vector<SourceDraft> parse_sources(Context& context, const YamlNode& sources);
std::vector<StageDraft> parse_stages(Context& context, const YamlNode& list, bool sinks, const TaskCatalog& catalog);

std::vector<TestDraft> parse_tests(Context& context, const YamlNode& list);
// A source in the input of a test: its kind, keys and numbers of frames.
void parse_input_source(Context& context, const YamlNode& node, const std::string& where, TestInput& input);
// Names in `from`-like lists; a single one needs no brackets.
std::vector<ReferenceDraft> parse_references(Context& context, const YamlEntry& entry);
// Of `plugins`.
std::vector<PluginName> parse_plugins(Context& context, const YamlEntry& entry);
void parse_labels(Context& context, const YamlEntry& entry, std::map<std::string, std::string>& labels);

// The parameters of a stage's task; what is wrong is reported at the value. `task_place`: where missing ones are
// reported.
ParamValues parse_params(Context& context, const TaskDecl& task, const YamlEntry* params,
                         const SourceLocation& task_place);

// A source's URI as it stays in the plan (a template), checked for literal credentials and, for a camera, for its
// scheme.
// `warns`: of variables that are not set here.
std::string parse_uri(Context& context, const std::string& key, const YamlNode& node, bool camera, bool warns = true);

// References, names, cycles, readers, sizes. Fills in Stage::from; returns the flow order as indices into `stages`.
std::vector<std::size_t> check_flow(Context& context, std::vector<SourceDraft>& sources,
                                    std::vector<StageDraft>& stages);

// The stages and the source of each test; for a flow without errors.
void check_tests(Context& context, const std::vector<SourceDraft>& sources, const std::vector<StageDraft>& stages,
                 std::vector<TestDraft>& tests);

// What stands between a split and its merge; for a flow without errors, in its order. Fills in the split's halo, and
// how what lies between is partitioned.
void check_tiles(Context& context, const std::vector<SourceDraft>& sources, std::vector<StageDraft>& stages,
                 const std::vector<std::size_t>& order);

// Names of the files that sinks write; for a flow without errors, in its order.
void check_files(Context& context, const std::vector<SourceDraft>& sources, const std::vector<StageDraft>& stages,
                 const std::vector<std::size_t>& order);

// Stages whose task needs order, behind a stage that mixes it: warnings. For a flow without errors, in its order.
void check_order(Context& context, const std::vector<StageDraft>& stages, const std::vector<std::size_t>& order);

// Where sinks write, by what the nodes allow; no nodes: nothing is known.
struct NodeOutputs;
void check_outputs(Context& context, const std::vector<StageDraft>& stages, const std::vector<NodeOutputs>& nodes);

}  // namespace ride::topology
