// Shipping and pruning of artifacts (stream/artifact_log.h), so that neither takes away what the other relies on, in
// whatever order their records come: a submit names what it relies on in the index and then reads the index, a prune
// withdraws what it removes and then reads the index, and what stands there first holds (decision 0044). Threads: the
// caller's; `stopped` is asked several times a second. Failure: as in stream/artifact_log.h.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "stream/artifact_log.h"

namespace ride::stream {

// Where artifacts lie, and how to get there.
struct ArtifactPorts {
  RecordReader& reader;
  TopicAdmin& admin;
  RecordWriter& writer;
  std::string topic;
};

// A file of this machine. Of `ref` its name, its size and its hash count.
struct LocalArtifact {
  ArtifactRef ref;
  std::string path;
  ReadAt read;
};

struct ShipOptions {
  std::set<std::string> trusted;            // upload_key() of those that are not read to see whether they are whole
  std::function<std::string()> new_upload;  // another one with each call: 16 hexadecimal digits
  std::function<void(const std::string&)> say;
};

// By content, where each file stands in the log. What is there already is taken if it is whole: all of it is read and
// compared. All of them were named after the last one was there, and nobody had withdrawn one before.
Result<std::map<std::string, ArtifactRef>> ship_artifacts(const ArtifactPorts& ports,
                                                          const std::vector<LocalArtifact>& files,
                                                          const ShipOptions& options, const Stopped& stopped);

struct Pruned {
  std::vector<ArtifactRef> removed;
  std::vector<ArtifactRef> kept;  // named within `grace`, or used by a job, as was seen when they were withdrawn
};
// upload_key() of what jobs use now.
using AskUses = std::function<Result<std::set<std::string>>()>;
// An upload that was withdrawn, and then neither removed nor restored since this was stopped, is the next one's.
Result<Pruned> prune_artifacts(const ArtifactPorts& ports, const std::vector<ArtifactRef>& uploads,
                               std::chrono::milliseconds grace, const AskUses& uses, const Stopped& stopped);

}  // namespace ride::stream
