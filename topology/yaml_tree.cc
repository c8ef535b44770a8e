#include "topology/yaml_tree.h"

#include <spdlog/fmt/fmt.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "topology/brackets.h"
#include "topology/source_text.h"

namespace ride::topology {
namespace {

Diagnostic problem(const SourceLocation& place, std::string message, std::string fix) {
  return {.file = "",
          .line = place.line,
          .column = place.column,
          .length = place.length,
          .message = std::move(message),
          .fix = std::move(fix),
          .severity = Severity::error};
}

struct Refused {  // thrown through yaml-cpp, caught in read_yaml()
  Diagnostic diagnostic;
};

// Builds our tree from yaml-cpp's events.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const SourceText& source, std::vector<Diagnostic>& diagnostics)
      : text_(text), source_(source), diagnostics_(diagnostics) {}

  YamlNodePtr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override { last_ = place(mark); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(leaf(YamlNode::Kind::null, place(mark)), anchor, 1);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool quoted = tag == "!";
    const auto length = static_cast<int>(code_points(value).size()) + (quoted ? 2 : 0);
    auto node = leaf(YamlNode::Kind::scalar, place(mark, std::max(1, length)));
    refuse_tag(tag, node->place);
    if (quoted && is_unclosed(mark)) {
      refuse(node->place, "a quote that is not closed", "close it at the end of the value");
    }
    node->text = value;
    node->quoted = quoted;
    add(std::move(node), anchor, 1);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      refuse(place(mark), "this alias points to a list or map that is not finished here: it would hold itself",
             "write the value out");
    }
    add(found->second.node, 0, found->second.weight);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::list, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Known {
    YamlNodePtr node;
    std::size_t weight = 1;
  };
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor = 0;
    std::size_t weight = 1;
    std::optional<YamlNodePtr> key;  // of a map, waiting for its value
  };

  SourceLocation place(const YAML::Mark& mark, int length = 1) const {
    return source_.place(mark.line, mark.column, length);
  }
  [[noreturn]] static void refuse(const SourceLocation& place, std::string message, std::string fix) {
    throw Refused{problem(place, std::move(message), std::move(fix))};
  }
  // yaml-cpp takes the end of the file for a closing quote.
  bool is_unclosed(const YAML::Mark& mark) const {
    const auto begin = static_cast<std::size_t>(std::max(0, mark.pos));
    if (begin >= text_.size() || (text_[begin] != '"' && text_[begin] != '\'')) return false;
    const char quote = text_[begin];
    for (std::size_t i = begin + 1; i < text_.size(); ++i) {
      if (quote == '"' && text_[i] == '\\') {
        ++i;
      } else if (text_[i] == quote) {
        return false;  // of '' too: the second one is looked at as a closing quote
      }
    }
    return true;
  }
  static void refuse_tag(const std::string& tag, const SourceLocation& place) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    refuse(place, "YAML tags ('!...') have no meaning in a topology", "leave the tag out");
  }
  std::shared_ptr<YamlNode> leaf(YamlNode::Kind kind, const SourceLocation& place) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->place = place;
    last_ = place;
    return node;
  }
  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    auto node = leaf(kind, place(mark));
    refuse_tag(tag, node->place);
    if (open_.size() >= static_cast<std::size_t>(kMaxDepth)) {
      refuse(node->place, fmt::format("nested more than {} levels deep", kMaxDepth),
             "a topology needs five; look for a bracket or an indentation that is not meant");
    }
    open_.push_back({std::move(node), anchor, 1, std::nullopt});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor, done.weight);
  }
  void add(YamlNodePtr node, YAML::anchor_t anchor, std::size_t weight) {
    if (anchor != 0) anchors_[anchor] = {node, weight};
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    parent.weight += weight;
    if (parent.weight > kMaxNodes) {
      refuse(last_, fmt::format("more than {} values, with every alias written out", kMaxNodes),
             "use fewer anchors, or split the job");
    }
    if (parent.node->kind == YamlNode::Kind::list) {
      parent.node->items.push_back(std::move(node));
    } else if (!parent.key) {
      if (node->kind != YamlNode::Kind::scalar) {
        refuse(node->place, fmt::format("a key is a word, but here is {}", kind_text(node->kind)),
               "write 'key: value'; a ${VAR} inside { } needs quotes");
      }
      parent.key = std::move(node);
    } else {
      add_entry(parent, std::move(node));
    }
  }
  void add_entry(Open& parent, YamlNodePtr value) {
    const YamlNodePtr key = *std::exchange(parent.key, std::nullopt);
    if (const YamlEntry* first = parent.node->find(key->text)) {
      diagnostics_.push_back(problem(key->place,
                                     fmt::format("'{}' is here twice, first in line {}", key->text, first->place.line),
                                     "keep one of them"));
      return;
    }
    if (value->kind == YamlNode::Kind::null) {  // yaml-cpp places an empty value at whatever follows
      auto placed = std::make_shared<YamlNode>(*value);
      placed->place = key->place;
      value = std::move(placed);
    }
    parent.node->entries.push_back({key->text, key->place, std::move(value)});
  }

  std::string_view text_;
  const SourceText& source_;
  std::vector<Diagnostic>& diagnostics_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Known> anchors_;
  YamlNodePtr root_;
  SourceLocation last_;
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

SourceLocation place_of_offset(std::string_view text, std::size_t offset) {
  const SourceText source(text);
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return source.place(static_cast<int>(line), static_cast<int>(offset - start));
}

// A bracket that is not closed is reported where it stands, not where its end was missed; a variable's braces have
// words of their own.
std::optional<Diagnostic> explain_bracket(std::string_view text, const SourceText& source,
                                          const SourceLocation& missed) {
  const auto open = unclosed_bracket(text);
  if (!open) return std::nullopt;
  const SourceLocation place = place_of_offset(text, *open);
  if (place.line > missed.line || contains(source.line(place.line), "${")) return std::nullopt;
  const char bracket = text[*open], closing = bracket == '{' ? '}' : ']';
  return problem(place, fmt::format("this '{}' is not closed: line {} cannot belong to it", bracket, missed.line),
                 fmt::format("put '{}' where it ends", closing));
}

// yaml-cpp's words for what a person most likely did.
Diagnostic explain(const YAML::ParserException& e, std::string_view text, const SourceText& source) {
  const SourceLocation place = e.mark.is_null() ? SourceLocation{} : source.place(e.mark.line, e.mark.column);
  if (auto bracket = explain_bracket(text, source, place)) return std::move(*bracket);
  const std::string& msg = e.msg;
  const std::string& line = source.line(place.line);
  std::string fix = "check brackets, quotes and indentation here and in the line above";
  if (contains(line, "${") && contains(line, "{") && (contains(msg, "flow") || contains(msg, "map"))) {
    fix = "inside { } and [ ] a variable needs quotes: \"${VAR}\"";
  } else if (contains(msg, "flow")) {
    fix = "put ',' between the entries of '{ }' and '[ ]', and close each bracket";
  } else if (contains(msg, "illegal map value")) {
    fix = "put a value that holds ': ' in quotes, and each key on a line of its own";
  } else if (contains(msg, "end of map not found") || contains(msg, "end of sequence not found")) {
    fix = "indent this line like its neighbours: entries of one map or list start in one column";
  } else if (contains(msg, "EOF in scalar") || contains(msg, "illegal EOF")) {
    fix = "close the quote that is opened before";
  } else if (contains(msg, "invalid anchor") || contains(msg, "alias") || contains(msg, "anchor")) {
    fix = "text that starts with '&' or '*' needs quotes; an alias needs an anchor before it";
  }
  return problem(place, fmt::format("this is not valid YAML: {}", msg), fix);
}

// What makes a text no candidate for YAML at all.
std::optional<Diagnostic> refuse_text(std::string_view text) {
  if (text.size() > kMaxFileBytes) {
    return problem({}, fmt::format("the file has {} bytes; at most {} are read", text.size(), kMaxFileBytes),
                   "give the topology file; pictures and data belong to sources");
  }
  if (const auto bad = find_invalid_utf8(text)) {
    return problem(place_of_offset(text, *bad), "this is not UTF-8 text", "save the file as UTF-8");
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7F) {
      return problem(place_of_offset(text, i), fmt::format("a control character (0x{:02x})", byte),
                     "remove it; give the topology file as plain text");
    }
  }
  return std::nullopt;
}

void refuse_tabs(const SourceText& source, std::vector<Diagnostic>& diagnostics) {
  for (int number = 1; number <= source.lines(); ++number) {
    const std::string& line = source.line(number);
    const std::size_t tab = line.find_first_not_of(' ');
    if (tab == std::string::npos || line[tab] != '\t' || line.find_first_not_of(" \t") == std::string::npos) continue;
    diagnostics.push_back(problem(source.place(number - 1, static_cast<int>(tab)),
                                  "a tab in the indentation, which YAML does not allow", "indent with blanks"));
  }
}

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

const char* kind_text(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null:
      return "empty";
    case YamlNode::Kind::scalar:
      return "a single value";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
  }
  return "empty";
}

YamlOutcome read_yaml(std::string_view text) {
  YamlOutcome outcome;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (auto refused = refuse_text(text)) {
    outcome.diagnostics.push_back(std::move(*refused));
    return outcome;
  }
  const SourceText source(text);
  refuse_tabs(source, outcome.diagnostics);
  if (!outcome.diagnostics.empty()) return outcome;
  TreeBuilder builder(text, source, outcome.diagnostics);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    outcome.root = builder.root();
    TreeBuilder second(text, source, outcome.diagnostics);
    if (outcome.root && parser.HandleNextDocument(second)) {
      const SourceLocation place = second.root() ? second.root()->place : SourceLocation{};
      outcome.diagnostics.push_back(
          problem(place, "a second document ('---') in the file", "one file holds one topology; split it"));
    }
  } catch (const Refused& refused) {
    outcome.root = nullptr;
    outcome.diagnostics.push_back(refused.diagnostic);
  } catch (const YAML::ParserException& e) {
    outcome.root = nullptr;
    outcome.diagnostics.push_back(explain(e, text, source));
  } catch (const std::exception& e) {
    outcome.root = nullptr;
    outcome.diagnostics.push_back(problem({}, fmt::format("this is not valid YAML: {}", e.what()), ""));
  }
  return outcome;
}

}  // namespace ride::topology
