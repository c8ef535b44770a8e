// From text to a Topology: the order of the steps, and the file's own keys.
#include <spdlog/fmt/fmt.h>

#include <utility>

#include "topology/draft.h"
#include "topology/output_check.h"

namespace ride::topology {

class FileParser {
 public:
  FileParser(const std::string& file, const TaskCatalog& catalog, const Environment& environment,
             const std::vector<NodeOutputs>& nodes, bool with_tests)
      : context_(file, environment), catalog_(catalog), nodes_(nodes), with_tests_(with_tests) {}

  ParseOutcome run(std::string_view text) {
    auto yaml = read_yaml(text);
    const bool readable = yaml.diagnostics.empty() || yaml.root != nullptr;
    for (auto& diagnostic : yaml.diagnostics) context_.add(std::move(diagnostic));
    std::optional<Topology> topology;
    if (readable) topology = parse_root(yaml.root);
    if (context_.failed()) topology.reset();
    return {std::move(topology), context_.take()};
  }

 private:
  std::optional<Topology> parse_root(const YamlNodePtr& root) {
    if (root == nullptr || root->kind == YamlNode::Kind::null) {
      context_.error({}, "the file is empty", "start with 'ride: v1', 'name: ...', 'sources:' and 'stages:'");
      return std::nullopt;
    }
    if (!version_fits(*root)) return std::nullopt;
    SectionReader reader(context_, *root, file_section(), "the file");
    if (root->kind != YamlNode::Kind::map) return std::nullopt;
    const std::string name = reader.text("name").value_or("");
    const auto priority = static_cast<int>(reader.whole("priority").value_or(0));
    reader.text("ride");
    if (const YamlEntry* entry = reader.entry("plugins")) parse_plugins(context_, *entry);
    std::vector<SourceDraft> sources;
    std::vector<StageDraft> stages;
    if (const YamlEntry* entry = reader.entry("sources")) sources = parse_sources(context_, *entry->value);
    for (const char* key : {"stages", "sinks"}) {
      const YamlEntry* entry = reader.entry(key);
      if (entry == nullptr) continue;
      auto found = parse_stages(context_, *entry->value, key == std::string_view("sinks"), catalog_);
      std::move(found.begin(), found.end(), std::back_inserter(stages));
    }
    if (stages.empty() && !reader.has("stages") && !reader.has("sinks")) {
      context_.error(root->place, "the file has neither stages nor sinks: nothing would be done",
                     "add stages: with a list of '- { name: ..., from: [...], task: ... }'");
    }
    std::vector<TestDraft> tests;
    if (const YamlEntry* entry = reader.entry("tests"); entry != nullptr && with_tests_)
      tests = parse_tests(context_, *entry->value);
    const auto order = check_flow(context_, sources, stages);
    if (!context_.failed()) check_tiles(context_, sources, stages, order);
    if (!context_.failed()) check_tests(context_, sources, stages, tests);
    if (!context_.failed()) check_files(context_, sources, stages, order);
    if (!context_.failed()) check_order(context_, stages, order);
    if (!context_.failed()) check_outputs(context_, stages, nodes_);
    if (context_.failed()) return std::nullopt;
    return assemble(name, priority, std::move(sources), std::move(stages), order, std::move(tests));
  }

  // Another version is the only thing that is said about its file: all else may mean something else there.
  bool version_fits(const YamlNode& root) {
    if (root.kind != YamlNode::Kind::map) return true;
    const YamlEntry* entry = root.find("ride");
    if (entry == nullptr || entry->value->kind != YamlNode::Kind::scalar) return true;
    const std::string& version = entry->value->text;
    const bool other = version.size() > 1 && version[0] == 'v' && version != "v1" &&
                       version.find_first_not_of("0123456789", 1) == std::string::npos;
    if (!other) return true;
    context_.error(entry->value->place, fmt::format("this file is of version '{}'; this RIDE reads v1", version),
                   "use a RIDE that knows the version, or write ride: v1");
    return false;
  }

  static Topology assemble(const std::string& name, int priority, std::vector<SourceDraft> sources,
                           std::vector<StageDraft> stages, const std::vector<std::size_t>& order,
                           std::vector<TestDraft> drafts) {
    std::vector<Source> read;
    for (SourceDraft& draft : sources) {
      if (draft.read) read.push_back(std::move(draft.source));
    }
    std::vector<Stage> ordered;
    ordered.reserve(order.size());
    for (const std::size_t index : order) ordered.push_back(std::move(stages[index].stage));
    std::vector<TestCase> tests;
    tests.reserve(drafts.size());
    for (TestDraft& draft : drafts) tests.push_back(std::move(draft.test));
    return {name, priority, std::move(read), std::move(ordered), std::move(tests)};
  }

  Context context_;
  const TaskCatalog& catalog_;
  const std::vector<NodeOutputs>& nodes_;
  const bool with_tests_;
};

ParseOutcome parse_topology(std::string_view text, const std::string& file_name, const TaskCatalog& catalog,
                            const Environment& environment) {
  return FileParser(file_name, catalog, environment, {}, true).run(text);
}

ParseOutcome parse_topology(std::string_view text, const std::string& file_name, const TaskCatalog& catalog,
                            const Environment& environment, const std::vector<NodeOutputs>& nodes) {
  return FileParser(file_name, catalog, environment, nodes, false).run(text);
}

}  // namespace ride::topology
