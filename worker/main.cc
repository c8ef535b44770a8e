// ride-worker: runs one stage's task on the partitions that the master gives it. Started by ride-agent, or by hand.
#include "worker/program.h"

int main(int argc, char** argv) { return ride::worker::run_program(argc, argv, ride::tasks::builtin_tasks()); }
