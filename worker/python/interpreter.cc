#include "worker/python/interpreter.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace ride::python {
namespace fs = std::filesystem;
namespace {

bool can_be_run(const fs::path& file) {
  std::error_code failed;
  return fs::is_regular_file(file, failed) && ::access(file.c_str(), X_OK) == 0;
}

}  // namespace

std::string own_path() {
  const char* search = std::getenv("PATH");
  return search != nullptr ? search : "/usr/local/bin:/usr/bin:/bin";
}

Result<fs::path> find_interpreter(const std::string& wanted, const std::string& search) {
  std::error_code failed;
  if (wanted.find('/') != std::string::npos) {
    const fs::path path(wanted);
    if (!fs::is_directory(path, failed)) {
      if (can_be_run(path)) return path;
      return Error{ErrorCode::not_found,
                   fmt::format("there is no Python '{}' on this node: give each node that may run this stage one "
                               "there, or name another one with `python`",
                               wanted)};
    }
    for (const char* name : {"bin/python3", "bin/python"})
      if (can_be_run(path / name)) return path / name;
    return Error{ErrorCode::not_found,
                 fmt::format("the folder '{}' is no venv: it has no bin/python3. Make one on this node: python3 -m "
                             "venv {} && {}/bin/pip install numpy",
                             wanted, wanted, wanted)};
  }
  std::size_t begin = 0;
  while (begin <= search.size()) {
    const auto end = std::min(search.find(':', begin), search.size());
    const fs::path file = fs::path(search.substr(begin, end - begin)) / wanted;
    if (file.is_absolute() && can_be_run(file)) return file;
    begin = end + 1;
  }
  return Error{ErrorCode::not_found,
               fmt::format("there is no Python '{}' on this node: install it (Debian: apt install python3 "
                           "python3-numpy), or name another one or a venv with `python`",
                           wanted)};
}

}  // namespace ride::python
