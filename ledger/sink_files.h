// What stands in the sinks' files, held against what came into their topics: pictures by name (write_images), lines by
// identity (print as JSON). Reads the disk of this machine. Failure: a file that cannot be read counts as missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ledger/core/book.h"
#include "stream/spec.h"

namespace ride::ledger {

struct SinkFiles {
  std::string sink, path;
  std::int64_t expected = 0, found = 0, missing = 0;
  std::int64_t repeated = 0;  // lines that stand there again: after a failover of the sink itself a line may come twice
  std::vector<std::string> examples;
};

// Of the sinks whose files can be counted: not of a path with {file}, whose names only the frames know. `base`: where relative paths begin (the workers' working folder).
std::vector<SinkFiles> count_sink_files(const stream::JobSpec& spec, const Book& book, const std::filesystem::path& base);

std::string to_text(const std::vector<SinkFiles>& files);
nlohmann::ordered_json to_json(const std::vector<SinkFiles>& files);
std::int64_t missing(const std::vector<SinkFiles>& files);

}  // namespace ride::ledger
