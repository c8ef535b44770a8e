#include "plugin/declaration.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "common/suggest.h"
#include "common/text.h"

namespace ride::plugin {
namespace {

using Declared = nlohmann::json;

constexpr std::size_t kLongestName = 64, kLongestDoc = 4000, kLongestText = 1000, kMostParams = 64, kMostChoices = 64,
                      kMostPorts = 16;
constexpr double kLargestInteger = 9007199254740992.0;  // 2^53: bounds are doubles
constexpr std::int64_t kLargestHalo = 100'000, kMostWarmup = 10'000, kLargestFactor = 1'000;

Error wrong(const std::string& where, const std::string& what) {
  return invalid_argument(where.empty() ? what : where + ": " + what);
}

std::string no_name() {
  return fmt::format(" is no name: a small letter, then small letters, digits and _, {} at the most", kLongestName);
}

Result<void> check_keys(const std::string& where, const Declared& object, const std::vector<std::string>& known) {
  if (!object.is_object()) return wrong(where, fmt::format("is {}, but an object is expected", object.type_name()));
  for (const auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return wrong(where, fmt::format("'{}' is no key of it{}", one_line(key.substr(0, kLongestName)),
                                      did_you_mean(key.substr(0, kLongestName), known)));
  return {};
}

Result<std::string> text_in(const std::string& where, const Declared& object, const char* key, std::size_t longest) {
  const auto found = object.find(key);
  if (found == object.end()) return wrong(where, fmt::format("'{}' is missing", key));
  const auto* text = found->get_ptr<const std::string*>();
  if (text == nullptr) return wrong(where, fmt::format("'{}' is {}, but a text is expected", key, found->type_name()));
  if (text->size() > longest)
    return wrong(where, fmt::format("'{}' has {} bytes, and {} are the most", key, text->size(), longest));
  if (one_line(*text) != *text)
    return wrong(where, fmt::format("'{}' holds characters that cannot be printed: {}", key, one_line(*text)));
  return *text;
}

// What topologies, headers and file names take.
Result<std::string> name_in(const std::string& where, const Declared& value) {
  const auto* name = value.get_ptr<const std::string*>();
  const auto fault = name == nullptr ? std::optional(value.type_name() + no_name()) : name_fault(*name);
  if (fault) return wrong(where, *fault);
  return *name;
}

Result<std::int64_t> integer_in(const std::string& where, const Declared& object, const char* key,
                                std::int64_t fallback, std::int64_t least, std::int64_t most) {
  const auto found = object.find(key);
  if (found == object.end()) return fallback;
  // Unsigned ones beyond the largest int64 would turn negative.
  const bool fits = found->is_number_integer() &&
                    (!found->is_number_unsigned() || found->get<std::uint64_t>() <= static_cast<std::uint64_t>(most));
  const auto value = fits ? found->get<std::int64_t>() : least - 1;
  if (value < least || value > most)
    return wrong(where, fmt::format("'{}' must be an integer from {} to {}", key, least, most));
  return value;
}

Result<bool> flag_in(const std::string& where, const Declared& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  if (!found->is_boolean()) return wrong(where, fmt::format("'{}' must be true or false", key));
  return found->get<bool>();
}

std::optional<std::string> is_odd(const ParamValue& value) {
  if (std::get<std::int64_t>(value) % 2 != 0) return std::nullopt;
  return "an odd number is needed";
}

// Reads one parameter.
class ParamReader {
 public:
  ParamReader(std::string where, const Declared& param) : where_(std::move(where)), param_(param) {}

  Result<ParamSpec> read() {
    RIDE_TRY(check_keys(where_, param_, {"name", "type", "doc", "default", "min", "max", "choices", "odd"}));
    if (!param_.contains("name")) return wrong(where_, "'name' is missing");
    RIDE_ASSIGN(spec_.name, name_in(where_, param_["name"]));
    where_ += " '" + spec_.name + "'";
    RIDE_TRY(read_type());
    RIDE_ASSIGN(spec_.doc, text_in(where_, param_, "doc", kLongestDoc));
    RIDE_ASSIGN(spec_.min, bound("min"));
    RIDE_ASSIGN(spec_.max, bound("max"));
    if (spec_.min && spec_.max && *spec_.min > *spec_.max) return wrong(where_, "'min' is above 'max'");
    RIDE_TRY(read_choices());
    RIDE_TRY(read_odd());
    RIDE_TRY(read_default());
    return std::move(spec_);
  }

 private:
  Result<void> read_type() {
    RIDE_ASSIGN(const auto type, text_in(where_, param_, "type", kLongestName));
    for (const auto one : {ParamType::boolean, ParamType::integer, ParamType::number, ParamType::string})
      if (type == to_string(one)) {
        spec_.type = one;
        return {};
      }
    return wrong(where_, fmt::format("'{}' is no type: boolean, integer, number or string", type));
  }

  Result<std::optional<double>> bound(const char* key) const {
    const auto found = param_.find(key);
    if (found == param_.end()) return std::optional<double>();
    const bool numeric = spec_.type == ParamType::integer || spec_.type == ParamType::number;
    if (!numeric) return wrong(where_, fmt::format("'{}' is of numbers, and it is a {}", key, to_string(spec_.type)));
    if (!found->is_number() || !std::isfinite(found->get<double>()))
      return wrong(where_, fmt::format("'{}' must be a finite number", key));
    const auto value = found->get<double>();
    if (spec_.type == ParamType::integer && (std::trunc(value) != value || std::fabs(value) > kLargestInteger))
      return wrong(where_, fmt::format("'{}' of an integer must be one, of at most 2^53", key));
    return std::optional(value);
  }

  Result<void> read_choices() {
    const auto found = param_.find("choices");
    if (found == param_.end()) return {};
    if (spec_.type != ParamType::string || !found->is_array() || found->empty() || found->size() > kMostChoices)
      return wrong(where_, fmt::format("'choices' must be a list of 1 to {} texts, of a string", kMostChoices));
    for (const auto& choice : *found) {
      RIDE_ASSIGN(auto text, text_in(where_, Declared{{"choices", choice}}, "choices", kLongestText));
      spec_.choices.push_back(std::move(text));
    }
    return {};
  }

  Result<void> read_odd() {
    RIDE_ASSIGN(const auto odd, flag_in(where_, param_, "odd"));
    if (!odd) return {};
    if (spec_.type != ParamType::integer) return wrong(where_, "'odd' is of integers");
    spec_.rule = is_odd;
    spec_.rule_doc = "odd";
    return {};
  }

  Result<void> read_default() {
    const auto found = param_.find("default");
    if (found == param_.end()) return {};
    if (found->is_string()) {
      RIDE_ASSIGN([[maybe_unused]] const auto text, text_in(where_, param_, "default", kLongestText));
    }
    if (found->is_number_unsigned() &&
        found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return wrong(where_, "'default' is too large");
    auto value = params_from_json(Declared{{spec_.name, *found}});
    if (!value.ok()) return wrong(where_, "'default' must be a boolean, a number or a text");
    auto checked = check_param(spec_, value->at(spec_.name));
    if (!checked.ok()) return wrong(where_, "its own default does not fit: " + checked.error().message);
    spec_.default_value = std::move(*checked);
    return {};
  }

  std::string where_;
  const Declared& param_;
  ParamSpec spec_;
};

Result<std::vector<ParamSpec>> params_in(const std::string& where, const Declared& task) {
  std::vector<ParamSpec> specs;
  const auto found = task.find("params");
  if (found == task.end()) return specs;
  if (!found->is_array() || found->size() > kMostParams)
    return wrong(where, fmt::format("'params' must be a list of at most {}", kMostParams));
  std::set<std::string> names;
  for (const auto& param : *found) {
    RIDE_ASSIGN(auto spec, ParamReader(where + ", parameter", param).read());
    if (!names.insert(spec.name).second) return wrong(where, fmt::format("two parameters are named '{}'", spec.name));
    specs.push_back(std::move(spec));
  }
  return specs;
}

Result<std::vector<std::string>> outputs_in(const std::string& where, const Declared& task) {
  std::vector<std::string> outputs;
  const auto found = task.find("outputs");
  if (found == task.end()) return std::vector<std::string>{"out"};
  if (!found->is_array() || found->empty() || found->size() > kMostPorts)
    return wrong(where,
                 fmt::format("'outputs' must be a list of 1 to {} names (plug-ins cannot be sinks)", kMostPorts));
  for (const auto& output : *found) {
    RIDE_ASSIGN(auto name, name_in(where + ", output", output));
    if (std::find(outputs.begin(), outputs.end(), name) != outputs.end())
      return wrong(where, fmt::format("two outputs are named '{}'", name));
    outputs.push_back(std::move(name));
  }
  return outputs;
}

// value * times / divide + plus; of an integer rounded down, of a number up.
struct HaloRule {
  std::string param;
  std::int64_t times = 1, divide = 1, plus = 0;

  double of(double value, bool is_integer) const {
    const double scaled = value * static_cast<double>(times) / static_cast<double>(divide);
    return (is_integer ? std::floor(scaled) : std::ceil(scaled)) + static_cast<double>(plus);
  }
  int operator()(const ParamValues& values) const {
    const auto found = values.find(param);
    if (found == values.end()) return 0;  // not checked: nobody asks for it
    const auto& value = found->second;
    if (const auto* whole = std::get_if<std::int64_t>(&value))
      return static_cast<int>(of(static_cast<double>(*whole), true));
    return static_cast<int>(of(std::get<double>(value), false));
  }
};

Result<void> read_halo(const std::string& where, const Declared& task, TaskDecl& decl) {
  const auto found = task.find("halo");
  if (found == task.end()) return {};
  if (!found->is_object()) {
    RIDE_ASSIGN(const auto fixed, integer_in(where, task, "halo", 0, 0, kLargestHalo));
    decl.halo = [halo = static_cast<int>(fixed)](const ParamValues&) { return halo; };
    return {};
  }
  const auto place = where + ", halo";
  RIDE_TRY(check_keys(place, *found, {"param", "times", "divide", "plus"}));
  HaloRule rule;
  RIDE_ASSIGN(rule.param, text_in(place, *found, "param", kLongestName));
  RIDE_ASSIGN(rule.times, integer_in(place, *found, "times", 1, 1, kLargestFactor));
  RIDE_ASSIGN(rule.divide, integer_in(place, *found, "divide", 1, 1, kLargestFactor));
  RIDE_ASSIGN(rule.plus, integer_in(place, *found, "plus", 0, 0, kLargestHalo));
  const auto param = std::find_if(decl.params.begin(), decl.params.end(),
                                  [&](const ParamSpec& spec) { return spec.name == rule.param; });
  const bool numeric =
      param != decl.params.end() && (param->type == ParamType::integer || param->type == ParamType::number);
  if (!numeric || !param->min || !param->max || *param->min < 0)
    return wrong(place, fmt::format("'{}' must be an integer or number of the task, with a min of at least 0 and a max",
                                    one_line(rule.param)));
  if (!(rule.of(*param->max, param->type == ParamType::integer) <= static_cast<double>(kLargestHalo)))
    return wrong(place, fmt::format("with the largest '{}' it would be above {}", rule.param, kLargestHalo));
  decl.halo = rule;
  return {};
}

}  // namespace

std::optional<std::string> name_fault(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (!name.empty() && name.size() <= kLongestName && name.front() >= 'a' && name.front() <= 'z' &&
      std::all_of(name.begin(), name.end(), fits))
    return std::nullopt;
  return "'" + one_line(name.substr(0, 2 * kLongestName)) + "'" + no_name();
}

Result<TaskDecl> parse_declaration(const nlohmann::json& task) {
  if (!task.is_object()) return wrong("", "the declaration of a task is no JSON object");
  if (!task.contains("name")) return wrong("the declaration of a task", "'name' is missing");
  TaskDecl decl;
  RIDE_ASSIGN(decl.name, name_in("the declaration of a task", task["name"]));
  const auto where = "task '" + decl.name + "'";
  RIDE_TRY(check_keys(where, task, {"name", "doc", "params", "outputs", "needs_order", "warmup_frames", "halo"}));
  RIDE_ASSIGN(decl.doc, text_in(where, task, "doc", kLongestDoc));
  if (decl.doc.empty()) return wrong(where, "'doc' is empty: say in a sentence what it does");
  RIDE_ASSIGN(decl.params, params_in(where, task));
  RIDE_ASSIGN(decl.outputs, outputs_in(where, task));
  RIDE_ASSIGN(decl.needs_order, flag_in(where, task, "needs_order"));
  RIDE_ASSIGN(const auto warmup, integer_in(where, task, "warmup_frames", 0, 0, kMostWarmup));
  decl.warmup_frames = static_cast<int>(warmup);
  RIDE_TRY(read_halo(where, task, decl));
  return decl;
}

Result<TaskDecl> parse_declaration(std::string_view text) {
  if (text.size() > kMostDeclarationBytes)
    return wrong("", fmt::format("the declaration of a task has {} bytes, and {} are the most", text.size(),
                                 kMostDeclarationBytes));
  const auto parsed = Declared::parse(text, nullptr, false);
  if (parsed.is_discarded()) return wrong("", "the declaration of a task is no JSON");
  return parse_declaration(parsed);
}

}  // namespace ride::plugin
