// Tests that stand in a topology file: a known picture goes through some of its stages, and what comes out is compared
// with what the file expects. Values; only the parser makes them. Threads: any, when const. Run by test_runner/.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/param.h"
#include "common/units.h"
#include "source_kinds/source_decl.h"
#include "topology/diagnostic.h"

namespace ride::topology {

// The frames that go in: of picture files, of a source that only the test has, or (neither) of the job's own source.
struct TestInput {
  std::vector<std::string> pictures;       // templates; relative paths begin in the folder of the topology file
  const SourceDecl* kind = nullptr;        // of a source of its own
  std::string uri;                         // its template, as Source::uri
  ParamValues params;                      // of the kind
  std::optional<double> fps;               // of the times that its frames carry; absent: the job's source's
  std::int64_t frame = 0, frames = 1;      // of a source: the first one's number, and how many
  std::optional<std::int64_t> max_pixels;  // absent: the job's source's
};

struct ExpectedObject {
  std::string label;
  double x = 0, y = 0, width = 0, height = 0;  // from the top left corner, in pixels
};

enum class TestOutcome { passed, filtered, dropped, dead };
const char* to_string(TestOutcome outcome);

// All of it must hold, of the last frame that came out, or (outcome, reason) of the last that went in.
struct Expectation {
  TestOutcome outcome = TestOutcome::passed;
  std::string reason;                  // dropped, dead: stands in the reason
  std::optional<std::int64_t> frames;  // that came out in all
  std::string picture;                 // a template; relative paths as those of inputs
  std::optional<double> psnr, ssim;    // at least; neither: the same pixels
  bool psnr_or_ssim() const { return psnr || ssim; }
  std::string sha256;  // 64 hexadecimal digits, or kNewHash
  SourceLocation sha256_place;
  std::optional<std::vector<ExpectedObject>> objects;
  double iou = 0.5;
  std::optional<double> min_score;       // others found count for nothing
  bool extra_allowed = false;            // objects that are found and not listed
  std::optional<std::int64_t> at_least;  // of the listed objects; absent: all
  std::map<std::string, std::string> attributes;
};
inline constexpr const char* kNewHash = "new";  // not known yet: `ride test --update` writes it

struct TestCase {
  std::string name;
  SourceLocation place;
  std::vector<std::string> through;  // stages in order, each read by the next; never empty
  std::string port;                  // of the last one
  std::string source;                // whose frames the input stands for; empty: the first stage adopts its topic
  TestInput input;
  std::map<std::string, std::string> attributes;  // that the input's frames carry
  Expectation expect;
  milliseconds timeout{0};
};

}  // namespace ride::topology
