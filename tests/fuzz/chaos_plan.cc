// The plan file of `ride chaos`.
#include "chaos/plan_file.h"
#include "common/check.h"
#include "tests/fuzz/records.h"
#include "topology/source_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  const std::string text(fuzz::as_text(data, size));
  const auto outcome = chaos::read_plan("f.yaml", text);
  RIDE_CHECK(outcome.plan.has_value() != topology::has_errors(outcome.diagnostics), "neither a plan nor an error");
  const topology::SourceText source(text.starts_with("\xEF\xBB\xBF") ? std::string_view(text).substr(3) : text);
  for (const auto& diagnostic : outcome.diagnostics) {
    RIDE_CHECK(!diagnostic.message.empty(), "an error without words");
    RIDE_CHECK(diagnostic.line >= 1 && diagnostic.line <= source.lines(), "a place outside the file");
  }
  (void)topology::render(outcome.diagnostics, text);
  if (!outcome.plan) return 0;
  const auto faults = chaos::schedule_of(*outcome.plan, 7);
  RIDE_CHECK(!faults.empty(), "a plan without faults");
  for (std::size_t i = 0; i < faults.size(); ++i) {
    RIDE_CHECK(faults[i].at.count() >= 0 && faults[i].lasts.count() >= 0, "a fault before the beginning");
    RIDE_CHECK(i == 0 || faults[i - 1].at <= faults[i].at, "faults out of order");
    RIDE_CHECK(!chaos::describe(faults[i]).empty(), "a fault without words");
  }
  return 0;
}
