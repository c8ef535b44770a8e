// What came out of a test against what its file expects. Pure but for the expected picture, which is read from its
// file. Threads: one. Failure: none; what cannot be compared is a failure of the test, in words.
#pragma once

#include <opencv2/core/mat.hpp>
#include <optional>
#include <string>
#include <vector>

#include "test_runner/object_match.h"
#include "test_runner/stage_chain.h"

namespace ride::test_runner {

struct Seen {
  std::optional<Frame> out;  // the last that came out
  std::int64_t frames_out = 0;
  bool out_for_last = false;  // something came out since the last went in
  Fate fate;                  // of the last that went in
};

struct Verdict {
  std::vector<std::string> failures;
  bool good() const { return failures.empty(); }
  cv::Mat expected;                     // the picture; empty where none is expected or it cannot be read
  bool picture_differs = false;         // also where there is none yet
  std::string sha256;                   // of what came out
  std::vector<tasks::Detection> found;  // with score enough
  ObjectMatch match;
};

// `picture_path`: of the expected picture, with its variables filled in.
Verdict judge(const topology::Expectation& expect, const Seen& seen, const std::string& picture_path);

}  // namespace ride::test_runner
