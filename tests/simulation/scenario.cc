#include "tests/simulation/scenario.h"

namespace ride::simulation {

namespace {

stream::StageSpec make_stage(Random& random, const std::string& name) {
  stream::StageSpec stage;
  stage.name = name;
  stage.topic = "ride.street.1." + name;
  stage.group_id = stage.topic;
  stage.partitions = static_cast<int>(random.between(1, 4));
  stage.partition_by = random.one_in(4) ? stream::PartitionBy::source : stream::PartitionBy::frame;
  stage.task = "identity";
  stage.group.min = static_cast<int>(random.between(1, 2));
  stage.group.spares = static_cast<int>(random.between(0, 1));
  stage.replication = 3;
  stage.max_message_bytes = 64 << 10;  // chunks of 16 KiB
  return stage;
}

stream::OutputSpec output_to(const stream::StageSpec& stage) {
  return {.to = stage.name, .topic = stage.topic, .partitions = stage.partitions, .partition_by = stage.partition_by};
}

stream::SourceSpec make_source(Random& random, const std::string& name, bool finite) {
  stream::SourceSpec source;
  source.name = name;
  source.kind = finite ? "synthetic" : "camera";
  source.finite = finite;
  source.fps = static_cast<double>(finite && random.one_in(2) ? random.between(10, 30) : random.between(3, 12));
  source.max_message_bytes = 64 << 10;
  if (finite) source.params["frames"] = random.between(20, 100);
  return source;
}

// cam -> clean -> people -> album, and files into clean or people.
void draw_job(Random& random, stream::JobSpec& job) {
  job.job = JobName{"street"};
  job.run = RunNumber{1};
  auto clean = make_stage(random, "clean"), people = make_stage(random, "people"), album = make_stage(random, "album");
  auto cam = make_source(random, "cam", false), files = make_source(random, "files", true);
  auto& files_to = random.one_in(2) ? clean : people;
  clean.upstreams = {{"cam", 1, true}};
  people.upstreams = {{"clean", clean.partitions}};
  files_to.upstreams.push_back({"files", 1, true});
  album.upstreams = {{"people", people.partitions}};
  album.sink = true;
  cam.outputs = {output_to(clean)};
  files.outputs = {output_to(files_to)};
  clean.outputs = {output_to(people)};
  people.outputs = {output_to(album)};
  job.sources = {cam, files};
  job.stages = {clean, people, album};
}

}  // namespace

Scenario draw_scenario(std::uint64_t seed) {
  Random random(seed * 0x2545f4914f6cdd1dULL + 1);
  Scenario scenario;
  scenario.seed = seed;
  draw_job(random, scenario.job);
  for (const auto& stage : scenario.job.stages) {
    scenario.hosts.workers += stage.group.min;
    scenario.tasks[stage.name] = {
        .sink = stage.sink,
        .segment = stage.sink && random.one_in(3) ? static_cast<int>(random.between(2, 5)) : 0,
        .fickle = random.one_in(3),
        .warmup = !stage.sink && random.one_in(3) ? static_cast<int>(random.between(1, 5)) : 0,
        .pace = random.one_in(3) ? 4 : 1,
        .poison = !stage.sink && random.one_in(4) ? static_cast<int>(random.below(20)) : -1,
        .salt = random.next()};
  }
  scenario.hosts.workers += static_cast<int>(random.between(0, 3));
  scenario.round_trip = seed % 16 == 0;
  scenario.faults = draw_faults(random, scenario.hosts, kFaultsFrom, kFaultsUntil);
  for (auto at = kFaultsFrom; random.one_in(2) && at < kFaultsUntil; at += Time(random.between(500'000, 3'000'000))) {
    const auto& stage = scenario.job.stages[static_cast<std::size_t>(random.below(3))];
    scenario.scalings.push_back({at, stage.name, static_cast<int>(random.between(1, stage.partitions))});
  }
  if (!random.one_in(4)) scenario.snapshot_records = random.between(12, 40);
  scenario.snapshot_part_bytes = static_cast<std::size_t>(random.between(1'000, 6'000));
  return scenario;
}

}  // namespace ride::simulation
