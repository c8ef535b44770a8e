// What a child with the user's Python says to its worker, a message a line, and the lines that it prints: each number
// is within its bounds, each name well-formed, each text short and printable, or it is refused.
#include <algorithm>

#include "common/check.h"
#include "tests/fuzz/records.h"
#include "worker/python/output_lines.h"
#include "worker/python/reply.h"

namespace {

using namespace ride;
using namespace ride::python;

constexpr std::size_t kLongestName = 64, kLongestText = 4096;

void check_slots(const std::vector<int>& slots) {
  RIDE_CHECK(slots.size() <= kMostSlots, "more slots than there are");
  for (const int slot : slots) RIDE_CHECK(slot >= 0, "a slot that cannot be");
}

void check(const Emitted& emitted) {
  RIDE_CHECK(emitted.slot >= kPassedOn && emitted.port.size() <= kLongestName, "a place that cannot be");
  RIDE_CHECK(emitted.attributes.size() <= kMostAttributes, "too many attributes");
  for (const auto& [name, value] : emitted.attributes)
    RIDE_CHECK(!name.empty() && name.size() <= kLongestName && (!value || value->size() <= kMostMessage),
               "an attribute that cannot be a header");
  if (emitted.slot == kPassedOn) return;
  const auto& shape = emitted.shape;
  RIDE_CHECK(emitted.offset >= 0 && shape.rows >= 1 && shape.cols >= 1 && shape.channels >= 1 && shape.channels <= 4,
             "a picture that cannot be");
  RIDE_CHECK(shape.bytes >= shape.rows && shape.bytes <= kMostPictureBytes && shape.bytes % shape.rows == 0,
             "a picture of another size than its sides say");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);
  for (const auto line : fuzz::lines_of(text)) {
    const auto reply = parse_reply(line);
    if (!reply.ok()) {
      RIDE_CHECK(!reply.error().message.empty(), "an error without a cause");
      continue;
    }
    if (const auto* emitted = std::get_if<Emitted>(&*reply)) check(*emitted);
    if (const auto* wanted = std::get_if<SlotWanted>(&*reply)) {
      RIDE_CHECK(wanted->bytes >= 1, "no memory is asked for");
      check_slots(wanted->dropped);
    }
    if (const auto* finished = std::get_if<Finished>(&*reply)) {
      check_slots(finished->dropped);
      RIDE_CHECK(!finished->raised || finished->raised->size() <= kLongestText, "a text that is too long");
    }
    if (const auto* failed = std::get_if<Failed>(&*reply))
      RIDE_CHECK(failed->text.size() <= kLongestText, "a text that is too long");
  }
  // Printed in two pieces at the same moment: as many lines as a moment may have.
  OutputLines lines;
  const auto now = OutputLines::Time{} + std::chrono::hours(1);
  auto printed = lines.feed(text.substr(0, size / 2), now);
  for (auto& line : lines.feed(text.substr(size / 2), now)) printed.push_back(std::move(line));
  for (auto& line : lines.rest(now)) printed.push_back(std::move(line));
  RIDE_CHECK(printed.size() <= static_cast<std::size_t>(OutputLines::kBurst) + 2, "more lines than a moment may have");
  for (const auto& line : printed)
    RIDE_CHECK(line.size() <= 8 * OutputLines::kLongest &&
                   std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
               "a line that a terminal obeys");
  return 0;
}
