// What a kind's maker gets to make a Source from: the kinds' makers (producer/sources/KIND_source.cc) need no other
// header of the producer. Values; log, manifest and watch outlive the source. Threads: the runner's. Failure: see each
// function.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/environment.h"
#include "common/frame.h"
#include "common/param.h"
#include "producer/source.h"
#include "producer/sources/patience.h"
#include "stream/spec.h"

namespace ride::producer {

class ItemWatch;
class LogAccess;
class ItemManifest;

struct SourceRequest {
  const stream::JobSpec& job;
  const stream::SourceSpec& source;
  ParamValues params;  // of the kind: every key that its declaration has, whatever the plan lacks
  LogAccess& log;
  ItemManifest&
      manifest;  // which item has which number; kept in the run's manifest where the kind is numbered by_manifest
  const Environment& environment;
  ItemWatch& watch;  // what must not be read any more, and the budget for what is being read
};

// invalid_argument / not_found: the source cannot be read so (an unset variable, a URI of no known form); the message
// shows the template, never what was filled in.
using MadeSource = Result<std::unique_ptr<Source>>;

// The source's URI with its ${VAR}s filled in.
Result<std::string> filled_uri(const SourceRequest& request);
// The same where it may hold credentials: they are percent-encoded, and no message shows the URI.
Result<std::string> filled_secret_uri(const SourceRequest& request);

// Codecs that outputs name: pictures that come encoded are decoded for those that want another.
std::vector<Codec> wanted_codecs(const stream::SourceSpec& source);
// connect_timeout and read_timeout, within bounds, whoever wrote the plan.
Patience patience_of(const SourceRequest& request);

// The codec of an output that names none: the source's own, else the kind's; "" keeps the bytes of picture files and
// means raw for all else.
std::string default_codec(const stream::SourceSpec& source);

}  // namespace ride::producer
