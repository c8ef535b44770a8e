#include "tests/support/temp_folder.h"

#include <stdlib.h>

#include "common/check.h"

namespace ride::test {
namespace fs = std::filesystem;

TempFolder::TempFolder(const std::string& name) {
  std::string pattern = (fs::temp_directory_path() / ("ride-" + name + "-XXXXXX")).string();
  RIDE_CHECK(mkdtemp(pattern.data()) != nullptr, "a test could not create " + pattern);
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;  // a test's own leftovers must not hide its result
  fs::remove_all(path_, ignored);
}

}  // namespace ride::test
