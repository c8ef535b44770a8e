// How many task objects a worker has open before frames come for them, where opening takes long
// (TaskDecl::opens_ahead). Pure.
#pragma once

namespace ride::worker {

struct TasksOpen {
  bool warm = false;    // it was said that we are ready
  int partitions = 0;   // of the stage
  int min_workers = 1;  // of its group
  int spare = 0;        // opened, and of no partition yet
  int in_use = 0;       // of partitions that this worker has
  int without = 0;      // partitions that it has, that go on and have none yet
};

// Those of a worker's share of the stage, from 1 to 4: so many partitions it may be given at once, also as a spare.
int tasks_of_share(int partitions, int min_workers);

// Whether one more is to be opened while no frame waits. Once warm, only for what we have: others' frames would wait.
bool wants_another(const TasksOpen& open);

}  // namespace ride::worker
