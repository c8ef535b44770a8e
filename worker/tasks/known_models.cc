#include "worker/tasks/known_models.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

#include "common/file_text.h"
#include "common/sha256.h"
#include "common/suggest.h"

namespace ride::tasks {

const std::vector<KnownModel>& known_models() {
  // The two files are pinned as the package holds them, and the graph as cli/models/tfjs_graph.cc makes it of them.
  static const std::vector<KnownModel> kModels = {
      {.name = "centernet",
       .finds = "80 classes of COCO (people, cars, animals, things); MobileNetV3-CenterNet, published mAP 0.251",
       .licence = "MIT (the npm package); the repository that it was trained in names no licence",
       .package = "@vladmandic/human",
       .version = "3.3.6",
       .topology = {"models/centernet.json", 201673,
                    "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05"},
       .weights = {"models/centernet.bin", 4030290, "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef"},
       .installed = {"centernet.pb", 8164162, "6e04123498fbffc33c3eebbc0bd2bb9919c24647a87521c91cd7e0bc098a9172"},
       .outputs = {"tower_0/Sigmoid", "tower_0/mul"},
       .kind = "centernet",
       .labels = "coco80",
       .width = 512,
       .height = 512}};
  return kModels;
}

const KnownModel* find_known_model(const std::string& name) {
  for (const KnownModel& model : known_models())
    if (model.name == name) return &model;
  return nullptr;
}

std::vector<std::string> known_model_names() {
  std::vector<std::string> names;
  for (const KnownModel& model : known_models()) names.push_back(model.name);
  return names;
}

Result<std::filesystem::path> models_folder(const Environment& environment) {
  const auto value = [&](const char* name) { return environment(name).value_or(""); };
  if (const auto folder = value("RIDE_MODELS"); !folder.empty()) return std::filesystem::path(folder);
  // The XDG specification has relative paths ignored.
  if (const auto data = value("XDG_DATA_HOME"); data.starts_with('/'))
    return std::filesystem::path(data) / "ride" / "models";
  if (const auto home = value("HOME"); !home.empty())
    return std::filesystem::path(home) / ".local" / "share" / "ride" / "models";
  return Error{ErrorCode::not_found,
               "there is no folder of models: neither RIDE_MODELS, XDG_DATA_HOME nor HOME is set. Set RIDE_MODELS to a "
               "folder that those who run RIDE may read"};
}

namespace {

Installed look_at_file(const KnownModel& model, const std::filesystem::path& file) {
  std::error_code failure;
  if (!std::filesystem::exists(file, failure)) return Installed::no;
  const auto size = std::filesystem::file_size(file, failure);
  if (failure || static_cast<std::int64_t>(size) != model.installed.bytes) return Installed::other;
  return sha256_hex(file_text(file)) == model.installed.sha256 ? Installed::yes : Installed::other;
}

}  // namespace

Installed look_for(const KnownModel& model, const std::filesystem::path& folder) {
  return look_at_file(model, folder / model.installed.name);
}

Result<void> expect_installed(const KnownModel& model, const std::filesystem::path& file) {
  const auto found = look_at_file(model, file);
  if (found == Installed::yes) return {};
  return Error{
      found == Installed::no ? ErrorCode::not_found : ErrorCode::corrupt,
      fmt::format("the model '{}' is not installed: {} {}. Run 'ride models fetch {}' on this machine, as the "
                  "user who submits (with node:{}: of the workers) or with the same RIDE_MODELS",
                  model.name, file.string(), found == Installed::no ? "is not there" : "is damaged or another file",
                  model.name, model.name)};
}

namespace {

struct Ending {
  const char* model;
  Framework framework;
  const char* config;   // the ending of its description; null: it has none
  bool config_is_must;  // else it may be left out
};

// .prototxt alone is a network of Caffe whose layers learn nothing.
constexpr std::array<Ending, 5> kEndings = {{{".caffemodel", Framework::caffe, ".prototxt", true},
                                             {".prototxt", Framework::caffe, nullptr, false},
                                             {".pb", Framework::tensorflow, ".pbtxt", false},
                                             {".onnx", Framework::onnx, nullptr, false},
                                             {".weights", Framework::darknet, ".cfg", true}}};

const Ending* ending_of(const std::string& model) {
  const auto found =
      std::find_if(kEndings.begin(), kEndings.end(), [&](const Ending& e) { return model.ends_with(e.model); });
  return found == kEndings.end() ? nullptr : &*found;
}

}  // namespace

std::optional<Framework> framework_of(const std::string& model) {
  const Ending* ending = ending_of(model);
  return ending == nullptr ? std::nullopt : std::optional(ending->framework);
}

std::optional<std::string> problem_of_names(const std::string& model, const std::string& config) {
  const Ending* ending = ending_of(model);
  if (ending == nullptr) {
    const std::string meant = did_you_mean(model, known_model_names());
    return fmt::format(
        "'model' is '{}'{} it is neither a known model ('ride models' lists them) nor a file that ends in .caffemodel, "
        ".prototxt, .pb, .onnx or .weights",
        model, meant.empty() ? ":" : meant);
  }
  if (config.empty()) {
    if (!ending->config_is_must) return std::nullopt;
    return fmt::format(
        "'model' is a file of {}, which needs its description, too: state 'config', a file that ends in {}",
        ending->model, ending->config);
  }
  if (ending->config == nullptr)
    return fmt::format("'config' is stated, but a model that ends in {} has no file beside it: leave it out",
                       ending->model);
  if (config.ends_with(ending->config)) return std::nullopt;
  return fmt::format("'config' is '{}', but the description of a model that ends in {} ends in {}", config,
                     ending->model, ending->config);
}

}  // namespace ride::tasks
