// One trial of bench/run batch: a program that turns the pictures of one folder into files of another, with what it
// took: seconds from the first picture that is opened to the last file in its place, as the kernel says it, the whole
// with start and end, and CPU time of all its processes. Owner: none. Threads: one caller; a watching thread of its
// own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::bench {

struct Batch {
  std::filesystem::path folder;     // "in" is read, "out" is written
  int pictures = 0, cores = 1;      // that can be read
  std::vector<std::string> broken;  // files beside them that nobody can read: each has to be named, and left out
  std::filesystem::path in() const { return folder / "in"; }
  std::filesystem::path out() const { return folder / "out"; }
};

struct Trial {
  double seconds = 0, whole = 0;
  double cpu = 0, cpu_whole = 0;                 // user and system, of all processes, in `seconds` and in all
  std::map<std::string, double> cpu_by_program;  // in `seconds`; of ride's workers by what they do
};

// internal: it failed, wrote another number of files, or did not name a broken one; the message has its output.
Result<Trial> run_trial(const Batch& batch, const std::vector<std::string>& arguments);

}  // namespace ride::bench
