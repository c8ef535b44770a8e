// The files that a topology names, from this machine into the topic of artifacts (decision 0044). Threads: one.
// Failure: what is wrong with the files themselves is told with its line; ship() says what Kafka or a file that changes
// meanwhile is in the way of.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/core/settings.h"
#include "cli/master_client.h"
#include "cli/submit.h"
#include "cli/topology_file.h"
#include "common/json.h"
#include "process/descriptor.h"
#include "stream/artifact_ship.h"
#include "stream/kafka/client_config.h"

namespace ride::cli {

// Opened, and what its reference says of its content. Where it lies is known when it was shipped.
struct NamedFile {
  std::string stage, param, value, path;
  std::string declarations;  // of a plug-in, as JSON: it is no parameter's
  process::Descriptor file;
  stream::ArtifactRef ref;
};

struct NamedFiles {
  std::vector<NamedFile> files;
  std::vector<topology::Diagnostic> missing;  // and those that are no regular files, empty or too large
};

// Files of stages and plug-ins; relative paths begin in the working folder. None that stand on the nodes (node:PATH).
// cancelled: stopped while they were read.
Result<NamedFiles> named_files(const TopologyFile& file, const stream::Stopped& stopped);

// What named_files() would find missing, without a look at what they hold.
std::vector<topology::Diagnostic> missing_files(const TopologyFile& file);

// What was named as Kafka's address, or that of the `ride up` of the state folder; empty: the master knows it.
std::string named_brokers(const Settings& settings);

// For a topology that names no file here: a variable may make it name one for the master, which is then to know that
// there was none. Nothing: no variable, or a master that takes no files.
Result<ShippedFiles> none_named(MasterClient& master, const TopologyFile& file);

// Where the master's artifacts lie.
struct ArtifactPlace {
  std::string topic;
  kafka::ClientConfig kafka;
  nlohmann::json uses;  // the master's answer (GET /artifacts)
};
// `brokers`: that were named; empty: those of the master. unsupported: the master is of a version without artifacts.
// invalid_argument: as brokers_for_files() says it.
Result<ArtifactPlace> artifact_place(MasterClient& master, const Settings& settings, const std::string& brokers);

struct OpenArtifacts {
  OpenArtifacts(std::unique_ptr<stream::TopicAdmin> admin_of_it, std::unique_ptr<stream::RecordReader> reader_of_it,
                std::unique_ptr<stream::RecordWriter> writer_of_it, std::string topic)
      : admin(std::move(admin_of_it)),
        reader(std::move(reader_of_it)),
        writer(std::move(writer_of_it)),
        ports{*reader, *admin, *writer, std::move(topic)} {}

  const std::unique_ptr<stream::TopicAdmin> admin;
  const std::unique_ptr<stream::RecordReader> reader;
  const std::unique_ptr<stream::RecordWriter> writer;
  const stream::ArtifactPorts ports;
};
Result<std::unique_ptr<OpenArtifacts>> open_artifacts(const ArtifactPlace& place);

// Uploads what is not there whole yet, and says so with `say`. What `job` itself relies on, if it goes on, is taken as
// it is.
Result<void> ship(const ArtifactPlace& place, const std::string& job, std::vector<NamedFile>& files,
                  const std::function<void(const std::string&)>& say, const stream::Stopped& stopped);

std::vector<ShippedFile> shipped(const std::vector<NamedFile>& files);

}  // namespace ride::cli
