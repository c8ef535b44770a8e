// Plan -> stream::JobSpec: what workers and producers read. The header of stream/ holds plain values only, so nothing
// of the stream library is linked here.
#include "common/check.h"
#include "topology/plan.h"

namespace ride::topology {
namespace {

stream::GroupSpec group_spec(const Group& group) {
  return {.device = to_string(group.device),
          .min = group.min,
          .max = group.max,
          .spares = group.spares,
          .cores = group.cores,
          .memory_bytes = group.memory_bytes,
          .labels = group.labels,
          .scaling = {.target = group.target, .drain_ms = group.drain.count(), .calm_ms = group.calm.count()}};
}

stream::StageSpec stage_spec(const PlannedStage& planned, const Plan& plan) {
  const Stage& stage = planned.stage;
  stream::StageSpec spec;
  spec.name = stage.name;
  spec.topic = planned.topic;
  spec.partitions = planned.partitions;
  spec.group_id = planned.group_id;
  spec.upstreams = planned.upstreams;
  if (stage.topic.adopt) {
    const AdoptedTopic& adopted = *stage.topic.adopt;
    spec.adopt = stream::AdoptSpec{.format = adopted.format, .shape = adopted.shape, .depth = adopted.depth};
  }
  spec.task = stage.task;
  spec.params = stage.params;
  spec.outputs = planned.outputs;
  spec.sink = stage.sink;
  spec.partition_by = to_stream(stage.topic.partition_by);
  spec.group = group_spec(stage.group);
  spec.frame_timeout_ms = stage.frame_timeout.count();
  spec.max_age_ms = stage.max_age.count();
  spec.max_pixels = stage.max_pixels;
  spec.keep_ms = stage.topic.keep.count();
  spec.retention_ms = stage.topic.retention.count();
  spec.replication = planned.replication;
  spec.max_message_bytes = plan.max_message_bytes;
  return spec;
}

stream::SourceSpec source_spec(const PlannedSource& planned, const Plan& plan) {
  const Source& source = planned.source;
  stream::SourceSpec spec;
  spec.name = source.name;
  spec.kind = source.kind->name;
  spec.uri = source.uri;
  spec.fps = source.fps.value_or(0);
  spec.unpaced = source.unpaced;
  spec.codec = source.codec;
  spec.drop_when_late = source.drop_when_late;
  spec.max_age_ms = source.max_age.count();
  spec.max_pixels = source.max_pixels;
  spec.node = source.node;
  spec.finite = source.finite;
  spec.params = source.params;
  spec.outputs = planned.outputs;
  spec.max_message_bytes = plan.max_message_bytes;
  return spec;
}

}  // namespace

stream::PartitionBy to_stream(PartitionBy by) {
  switch (by) {
    case PartitionBy::frame:
      return stream::PartitionBy::frame;
    case PartitionBy::source:
      return stream::PartitionBy::source;
    case PartitionBy::tile:
      return stream::PartitionBy::tile;
  }
  return stream::PartitionBy::frame;
}

stream::JobSpec to_job_spec(const Plan& plan) {
  RIDE_CHECK(plan.complete(), "a plan that was made without the cluster's topics cannot run");
  stream::JobSpec spec;
  spec.job = JobName{plan.job};
  spec.run = RunNumber{plan.run};
  spec.prefix = plan.prefix;
  spec.finite = plan.finite;
  spec.priority = plan.priority;
  for (const PlannedSource& source : plan.sources) spec.sources.push_back(source_spec(source, plan));
  for (const PlannedStage& stage : plan.stages) spec.stages.push_back(stage_spec(stage, plan));
  return spec;
}

}  // namespace ride::topology
