// The models that `detect` knows by name and `ride models` installs: where their files come from, under which licence,
// what their bytes must be, and how their outputs are read; and how files of other models are told apart. No file is
// parsed here, so that master and command line may use it: that is done in workers only, since importers of networks
// may crash on what they are given. Pure but for models_folder(), which asks for variables, and look_for(), which reads
// a file. Threads: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/environment.h"
#include "common/result.h"

namespace ride::tasks {

// Bytes that are known before they are read.
struct PinnedFile {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256;
};

struct KnownModel {
  std::string name;
  std::string finds;                 // for people
  std::string licence;               // of what is fetched, as its publishers state it
  std::string package, version;      // of npm
  PinnedFile topology, weights;      // files of the package, in the TensorFlow.js format
  PinnedFile installed;              // what is made of them (cli/models/): a frozen graph of TensorFlow
  std::vector<std::string> outputs;  // nodes of the graph, in the order in which its kind reads them
  std::string kind, labels;          // as the parameters of `detect` name them
  int width = 0, height = 0;         // of the network's input, in pixels
  double scale = 1;
  std::string mean = "0";
  bool swap_rb = true;
};

const std::vector<KnownModel>& known_models();
const KnownModel* find_known_model(const std::string& name);  // null when unknown
std::vector<std::string> known_model_names();

// RIDE_MODELS, else $XDG_DATA_HOME/ride/models, else ~/.local/share/ride/models. not_found: none of them is set.
Result<std::filesystem::path> models_folder(const Environment& environment = process_environment());

// Whether a model's file lies in the folder; `other`: one of that name that is not the pinned one.
enum class Installed { no, yes, other };
Installed look_for(const KnownModel& model, const std::filesystem::path& folder);
// not_found, corrupt: `file` is not there, or not the pinned one; the message says how to install it.
Result<void> expect_installed(const KnownModel& model, const std::filesystem::path& file);

enum class Framework { caffe, tensorflow, onnx, darknet };

// By the name's ending; nothing for another one.
std::optional<Framework> framework_of(const std::string& model);

// What is wrong with the names of a model's files, or nothing: an ending that is not known, a description (`config`)
// that is missing, has another ending, or that the framework has none of.
std::optional<std::string> problem_of_names(const std::string& model, const std::string& config);

}  // namespace ride::tasks
