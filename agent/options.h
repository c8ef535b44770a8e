// What an agent is given on its command line. Plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "stream/kafka/client_config.h"

namespace ride::agent {

struct Options {
  kafka::ClientConfig kafka;
  std::string prefix = "ride";
  NodeName node;  // empty: the host's name
  int slots = 1;  // workers
  int producers = 1;
  int worker_cores = 0;                     // cores of its own for each worker; 0: all share all
  std::int64_t worker_memory = 0;           // bytes that a worker may have; 0: four fifths of the node's
  std::vector<std::string> gpus;            // that workers see, one each in turn; empty: what the agent sees
  std::string metrics_host = "127.0.0.1";   // children serve /metrics here, on free ports; empty: they do not
  std::vector<std::string> output_folders;  // where workers' sinks may write; the first is where relative paths begin
  std::string artifacts_folder;             // where workers keep files that jobs bring; empty: the workers' default
  std::vector<std::string> labels;          // NAME=VALUE, of the workers
  std::vector<std::string> plugins;         // that workers load
  std::vector<std::string> permits;         // plug-ins of jobs that they may load (common/plugin_permit.h)
  std::filesystem::path log_folder;         // empty: children write to our standard error
  std::filesystem::path bin_folder;         // where ride-worker and ride-producer are; empty: beside this program
  // Flags for Kafka of the children: ours, with a --kafka-config of their own where one was given.
  std::vector<std::string> worker_kafka_arguments, producer_kafka_arguments;
};

enum class ChildKind { worker, producer };

struct ChildPlan {
  std::string name;  // "node1-w2": unique in the cluster, kept over restarts
  ChildKind kind = ChildKind::worker;
  std::vector<std::string> arguments;    // the first is the program's path
  std::vector<int> cores;                // empty: all
  std::vector<std::string> environment;  // more of it
  std::int64_t memory_limit = 0;         // 0: none
};

// Which of `all` the worker number `index` (from 0) gets: `count` in a row, from the front again when they are used up.
std::vector<int> cores_of(const std::vector<int>& all, int count, int index);

// Workers first. not_found: a program is not there; the message names it.
Result<std::vector<ChildPlan>> plan_children(const Options& options);

}  // namespace ride::agent
