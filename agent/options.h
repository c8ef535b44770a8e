// What an agent is told on its command line. Plain values.
#pragma once

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
  std::filesystem::path log_folder;          // empty: children write to our standard error
  std::filesystem::path bin_folder;          // where ride-worker and ride-producer are; empty: beside this program
  std::vector<std::string> kafka_arguments;  // our own flags for Kafka, passed on to the children
};

enum class ChildKind { worker, producer };

struct ChildPlan {
  std::string name;  // "node1-w2": unique in the cluster, kept over restarts
  ChildKind kind = ChildKind::worker;
  std::vector<std::string> arguments;  // the first is the program's path
};

// Workers first. not_found: a program is not there; the message names it.
Result<std::vector<ChildPlan>> plan_children(const Options& options);

std::filesystem::path own_folder();  // of the running program

}  // namespace ride::agent
