// From a source's assignment to the Source that reads it. The only place that fills in ${VAR}s.
#pragma once

#include <memory>

#include "common/environment.h"
#include "producer/item_manifest.h"
#include "producer/log_access.h"
#include "producer/source.h"
#include "producer/work_room.h"
#include "stream/spec.h"

namespace ride::producer {

// `book`, `log` and `watch` outlive the source. invalid_argument / not_found: the assignment cannot be read so (an
// unset variable, a URI of no known kind); the message shows the template, never what was filled in.
Result<std::unique_ptr<Source>> make_source(const stream::JobSpec& job, const stream::SourceSpec& source,
                                            LogAccess& log, ItemManifest& book, const Environment& environment,
                                            ItemWatch& watch);

}  // namespace ride::producer
