// From a source's assignment to the Source that reads it, by the maker of its kind. Constant data. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "producer/source_request.h"

namespace ride::producer {

struct SourceMaker {
  std::string kind;
  MadeSource (*make)(const SourceRequest& request);
};
const std::vector<SourceMaker>& source_makers();  // one for each kind that is declared, in that order

// `manifest`, `log` and `watch` outlive the source. unsupported: this producer has no such kind; other errors as
// MadeSource says.
MadeSource make_source(const stream::JobSpec& job, const stream::SourceSpec& source, LogAccess& log,
                       ItemManifest& manifest, const Environment& environment, ItemWatch& watch);

}  // namespace ride::producer
