// The section `tests`: each test by itself. Which stages it goes through is found by check_tests.cc.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "common/wording.h"
#include "topology/draft.h"

namespace ride::topology {
namespace {

constexpr std::size_t kMostPictures = 10'000, kMostObjects = 1000, kLongestTestName = 100;
constexpr milliseconds kDefaultTestTimeout = std::chrono::minutes(2);

// A path that keeps its variables: whoever runs the test fills them in.
std::string parse_path(Context& context, const YamlNode& node, const std::string& key) {
  if (node.kind != YamlNode::Kind::scalar || node.text.empty()) {
    context.error(node.place,
                  fmt::format("'{}' is {}, but a picture's path is expected", key,
                              node.kind == YamlNode::Kind::scalar ? "empty" : kind_text(node.kind)),
                  fmt::format("write {}: pictures/street.jpg", key));
    return "";
  }
  if (const auto parts = parse_template(node.text); !parts.ok()) {
    context.error(node.place, parts.error().message, "write ${NAME} or ${NAME:-default}; a plain '$' is '$$'");
    return "";
  }
  return node.text;
}

void parse_input(Context& context, const YamlNode& node, TestDraft& draft) {
  TestInput& input = draft.test.input;
  draft.input_place = node.place;
  if (node.kind == YamlNode::Kind::map) {
    parse_input_source(context, node, "input of " + draft.label, input);
    draft.own_source = input.kind == nullptr;
    return;
  }
  if (node.kind != YamlNode::Kind::list) {
    input.pictures.push_back(parse_path(context, node, "input"));
    return;
  }
  if (node.items.empty() || node.items.size() > kMostPictures)
    context.error(node.place,
                  fmt::format("the input of {} has {}, but 1 to {} are expected", draft.label,
                              counted(node.items.size(), "picture"), kMostPictures),
                  "list the pictures in the order in which they go in");
  else
    for (const auto& item : node.items) input.pictures.push_back(parse_path(context, *item, "input"));
}

std::optional<double> parse_coordinate(Context& context, const YamlNode& node) {
  static const KeySpec kCoordinate{.name = "box", .type = KeyType::number, .min = -1e7, .max = 1e7};
  const auto scalar = context.scalar(node, "box", expected(kCoordinate));
  if (!scalar) return std::nullopt;
  const auto value = convert(kCoordinate, {scalar->text, scalar->quoted});
  if (value) return std::get<double>(*value);
  context.error(scalar->place,
                fmt::format("'box' holds '{}', but {} is expected", scalar->shown, expected(kCoordinate)),
                "write box: [310, 96, 64, 128]");
  return std::nullopt;
}

void parse_box(Context& context, const YamlNode& node, ExpectedObject& object) {
  if (node.kind != YamlNode::Kind::list || node.items.size() != 4) {
    context.error(
        node.place,
        node.kind == YamlNode::Kind::list
            ? fmt::format("'box' has {}, but [x, y, width, height] is expected", counted(node.items.size(), "number"))
            : fmt::format("'box' is {}, but [x, y, width, height] is expected", kind_text(node.kind)),
        "write box: [310, 96, 64, 128], in pixels from the top left corner");
    return;
  }
  double* const parts[] = {&object.x, &object.y, &object.width, &object.height};
  bool whole = true;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto value = parse_coordinate(context, *node.items[i]);
    whole = whole && value.has_value();
    *parts[i] = value.value_or(0);
  }
  if (whole && (object.width <= 0 || object.height <= 0))
    context.error(node.place, fmt::format("a box of {} x {} pixels covers nothing", object.width, object.height),
                  "write box: [x, y, width, height] with a width and a height above 0");
}

std::vector<ExpectedObject> parse_objects(Context& context, const YamlNode& node, const std::string& where) {
  std::vector<ExpectedObject> objects;
  if (node.kind != YamlNode::Kind::list || node.items.size() > kMostObjects) {
    context.error(node.place,
                  node.kind == YamlNode::Kind::list
                      ? fmt::format("{} objects; at most {} can be expected", node.items.size(), kMostObjects)
                      : fmt::format("'objects' is {}, but a list is expected", kind_text(node.kind)),
                  "write objects: [{ label: person, box: [310, 96, 64, 128] }]");
    return objects;
  }
  for (const auto& item : node.items) {
    SectionReader reader(context, *item, object_section(), "an object of " + where);
    if (item->kind != YamlNode::Kind::map) continue;
    ExpectedObject object{.label = reader.text("label").value_or("")};
    if (const YamlEntry* box = reader.entry("box")) parse_box(context, *box->value, object);
    objects.push_back(std::move(object));
  }
  return objects;
}

void parse_hash(Context& context, SectionReader& reader, Expectation& expect) {
  const auto hash = reader.text("sha256");
  if (!hash) return;
  expect.sha256 = *hash;
  expect.sha256_place = reader.place("sha256");
  const bool hex = hash->size() == 64 && hash->find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hex || *hash == kNewHash) return;
  context.error(expect.sha256_place, "'sha256' is no SHA-256: 64 digits 0-9 and a-f are expected, or new",
                "write sha256: new, and let `ride test --update` fill it in");
}

// Keys that say something only beside another one.
void check_companions(Context& context, const SectionReader& reader) {
  const std::vector<std::pair<const char*, const char*>> needs = {{"psnr", "picture"},      {"ssim", "picture"},
                                                                  {"iou", "objects"},       {"extra", "objects"},
                                                                  {"min_score", "objects"}, {"at_least", "objects"}};
  for (const auto& [key, other] : needs) {
    if (!reader.has(key) || reader.has(other)) continue;
    context.error(reader.key_place(key),
                  fmt::format("'{}' says something about '{}' only, which is not there", key, other),
                  fmt::format("add {}:, or remove '{}'", other, key));
  }
}

void check_outcome(Context& context, const SectionReader& reader, const Expectation& expect) {
  const bool refused = expect.outcome == TestOutcome::dropped || expect.outcome == TestOutcome::dead;
  if (reader.has("reason") && !refused)
    context.error(reader.key_place("reason"), "only what is dropped or dead has a reason",
                  "add outcome: dead, or remove 'reason'");
  if (expect.outcome == TestOutcome::passed) return;
  for (const char* key : {"picture", "sha256", "objects", "attributes"}) {
    if (!reader.has(key)) continue;
    context.error(
        reader.key_place(key),
        fmt::format("'{}' is expected of a frame that does not come out (outcome: {})", key, to_string(expect.outcome)),
        fmt::format("remove '{}', or 'outcome'", key));
  }
}

TestOutcome outcome_of(const std::string& text) {
  for (const auto outcome : {TestOutcome::filtered, TestOutcome::dropped, TestOutcome::dead})
    if (text == to_string(outcome)) return outcome;
  return TestOutcome::passed;
}

void parse_expect(Context& context, const YamlNode& node, TestDraft& draft) {
  Expectation& expect = draft.test.expect;
  SectionReader reader(context, node, expect_section(), "expect of " + draft.label);
  if (node.kind != YamlNode::Kind::map) return;
  if (node.entries.empty())
    context.error(node.place, fmt::format("{} expects nothing: it could not fail", draft.label),
                  "add for example picture: expected/street.png, sha256: new, objects: [...] or outcome: passed");
  expect.outcome = outcome_of(reader.text("outcome").value_or("passed"));
  expect.reason = reader.text("reason").value_or("");
  expect.frames = reader.whole("frames");
  if (const YamlEntry* picture = reader.entry("picture"))
    expect.picture = parse_path(context, *picture->value, "picture");
  expect.psnr = reader.number("psnr");
  expect.ssim = reader.number("ssim");
  parse_hash(context, reader, expect);
  if (const YamlEntry* objects = reader.entry("objects"))
    expect.objects = parse_objects(context, *objects->value, draft.label);
  expect.iou = reader.number("iou").value_or(expect.iou);
  expect.min_score = reader.number("min_score");
  expect.extra_allowed = reader.text("extra").value_or("refused") == "allowed";
  expect.at_least = reader.whole("at_least");
  if (expect.at_least && expect.objects && *expect.at_least > static_cast<std::int64_t>(expect.objects->size()))
    context.error(reader.place("at_least"),
                  fmt::format("{} of the listed objects must be found, but there are {}", *expect.at_least,
                              expect.objects->size()),
                  "list more, or write a smaller number");
  if (const YamlEntry* attributes = reader.entry("attributes")) parse_labels(context, *attributes, expect.attributes);
  check_companions(context, reader);
  check_outcome(context, reader, expect);
}

bool is_printable_name(const std::string& name) {
  return name.size() <= kLongestTestName && std::none_of(name.begin(), name.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

TestDraft parse_test(Context& context, const YamlNode& node) {
  TestDraft draft;
  draft.test.place = node.place;
  const YamlEntry* named = node.kind == YamlNode::Kind::map ? node.find("name") : nullptr;
  const bool has_name = named != nullptr && named->value->kind == YamlNode::Kind::scalar;
  draft.label = has_name ? fmt::format("test '{}'", named->value->text) : "a test";
  SectionReader reader(context, node, test_section(), draft.label);
  if (node.kind != YamlNode::Kind::map) return draft;
  draft.test.name = reader.text("name").value_or("");
  if (has_name) draft.test.place = named->value->place;
  if (!is_printable_name(draft.test.name))
    context.error(draft.test.place, fmt::format("a test's name has at most {} bytes on one line", kLongestTestName),
                  "shorten it");
  if (const YamlEntry* input = reader.entry("input")) parse_input(context, *input->value, draft);
  if (const YamlEntry* through = reader.entry("through")) {
    draft.through = parse_references(context, *through);
    if (through->value->kind == YamlNode::Kind::list && through->value->items.empty())
      context.error(through->value->place, "'through' is an empty list", "name the stages that the input goes through");
  }
  draft.test.source = reader.text("source").value_or("");
  draft.source_place = reader.place("source");
  if (const YamlEntry* attributes = reader.entry("attributes"))
    parse_labels(context, *attributes, draft.test.attributes);
  if (const YamlEntry* expect = reader.entry("expect")) parse_expect(context, *expect->value, draft);
  draft.test.timeout = reader.duration("timeout").value_or(kDefaultTestTimeout);
  return draft;
}

}  // namespace

std::vector<TestDraft> parse_tests(Context& context, const YamlNode& list) {
  std::vector<TestDraft> drafts;
  if (list.kind != YamlNode::Kind::list) {
    context.error(list.place, fmt::format("'tests' is {}, but a list is expected", kind_text(list.kind)),
                  "start each test with '- name: ...'");
    return drafts;
  }
  if (list.items.size() > kMaxTests) {
    context.error(list.place, fmt::format("{} tests; at most {} can stand in a file", list.items.size(), kMaxTests),
                  "leave some out");
    return drafts;
  }
  std::set<std::string> names;
  for (const auto& item : list.items) {
    TestDraft draft = parse_test(context, *item);
    if (!draft.test.name.empty() && !names.insert(draft.test.name).second)
      context.error(draft.test.place, fmt::format("the name '{}' is taken by an earlier test", draft.test.name),
                    "give every test a name of its own");
    drafts.push_back(std::move(draft));
  }
  return drafts;
}

}  // namespace ride::topology
