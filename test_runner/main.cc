// ride-test: runs one test of a topology. Started by `ride test`.
#include "test_runner/program.h"

int main(int argc, char** argv) { return ride::test_runner::run_program(argc, argv, ride::tasks::builtin_tasks()); }
