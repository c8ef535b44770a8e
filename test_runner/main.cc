// ride-test: runs one test of a topology, or one picture through a task. Started by `ride test` and `ride try`.
#include "test_runner/program.h"

int main(int argc, char** argv) { return ride::test_runner::run_program(argc, argv, ride::tasks::builtin_tasks()); }
