// What came of a task that was given one picture, from the process that ran it to `ride try`. Values, and their JSON;
// any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::test_runner {

struct TriedFrame {
  std::string port;
  int cols = 0, rows = 0, channels = 0;
  std::string depth;  // "8U"
  std::string file;   // where it was saved; empty: it was not
  std::map<std::string, std::string> attributes;
};

struct TryReport {
  std::string error;                 // empty: the task has done it, and what came out is saved
  bool retriable = false;            // ... a worker would try again
  std::vector<TriedFrame> frames;    // that came out, in order
  double milliseconds = 0;           // that process() and finish() took
  std::int64_t peak_bytes = 0;       // of the process, with the picture and all libraries
  std::string picture;               // "768x576x3 8U", that went in
  std::vector<std::string> printed;  // what the task has written, lines; filled in by who reads its log
};

std::string try_to_json(const TryReport& report);
Result<TryReport> try_from_json(const std::string& text);  // corrupt: no report

}  // namespace ride::test_runner
