// The smallest job that a master accepts: one stage of one partition.
#pragma once

#include <string>

#include "stream/spec.h"

namespace ride::master {

inline stream::JobSpec one_stage_job(const std::string& name) {
  stream::StageSpec stage;
  stage.name = "clean";
  stage.topic = stage.group_id = "ride." + name + ".1.clean";
  stage.partitions = 1;
  stream::JobSpec spec;
  spec.job = JobName{name};
  spec.run = RunNumber{1};
  spec.prefix = "ride";
  spec.stages = {stage};
  return spec;
}

}  // namespace ride::master
