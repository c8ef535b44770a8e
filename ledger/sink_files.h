// What stands in the sinks' files, held against what came into their topics: pictures by name (write_images), lines by
// identity (print as JSON). A frame that died in its sink leaves no file; one that is there all the same is of an
// earlier run. Reads the disk of this machine. Failure: a file that cannot be read counts as missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/json.h"
#include "ledger/core/audit.h"
#include "ledger/core/statement.h"
#include "stream/spec.h"

namespace ride::ledger {

struct SinkFiles {
  std::string sink, path;
  std::int64_t expected = 0, found = 0, missing = 0;
  std::int64_t dead = 0;   // died in the sink, by its dead letters: no file is expected
  std::int64_t stale = 0;  // files of these that are there all the same: somebody else wrote them, or an earlier run
  std::int64_t left_out =
      0;  // of what is not there: the sink dropped it, or retention took it, or its dead letter is gone
  std::int64_t repeated = 0;  // lines that stand there again: after a failover of the sink itself a line may come twice
  std::vector<std::string> examples;
};

// Of the sinks whose files can be counted: not of a path with {file}, whose names only the frames know. `base`: where
// relative paths begin (the workers' working folder). `counted`: what the stages say of themselves.
std::vector<SinkFiles> count_sink_files(const stream::JobSpec& spec, const Audit& audit,
                                        const std::filesystem::path& base,
                                        const std::map<std::string, Counted>& counted);

// Before the job has come to rest, what is missing is in flight.
std::string to_text(const std::vector<SinkFiles>& files, bool at_rest = true);
nlohmann::ordered_json to_json(const std::vector<SinkFiles>& files);
std::int64_t missing(const std::vector<SinkFiles>& files);

}  // namespace ride::ledger
