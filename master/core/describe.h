// A decision in words, for the event list and the log. Pure.
#pragma once

#include <string>

#include "stream/control.h"

namespace ride::master {

struct EventText {
  stream::Severity severity = stream::Severity::info;
  std::string code;  // stable, for scripts
  std::string job, stage;
  std::string text;
  std::string from;  // the process that reported it; empty: the master itself
};

EventText describe(const stream::DecisionBody& decision);

// "0-3,7": partitions in words.
std::string list_of(const std::vector<PartitionId>& partitions);

}  // namespace ride::master
