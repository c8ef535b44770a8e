// The journal in which the owners of a source that copies a topic agree on numbers, as others could have filled it:
// every owner gives a record the same number, and each number once.
#include "producer/copy_journal.h"

#include <set>

#include "common/check.h"
#include "tests/fuzz/memory_access.h"

namespace ride::producer {
namespace {

// Numbers follow one another, and within a partition the offsets rise.
void check(const std::vector<NumberedPlace>& places) {
  std::map<int, std::int64_t> last;
  for (std::size_t i = 0; i < places.size(); ++i) {
    RIDE_CHECK(places[i].number == static_cast<std::int64_t>(i), "a number is left out, or given twice");
    const auto [partition, offset] = places[i].place;
    const auto [known, fresh] = last.try_emplace(partition, offset);
    RIDE_CHECK(fresh || known->second < offset, "a record gets two numbers");
    known->second = offset;
  }
}

void check(const CopyOrder& order) {
  const auto again = CopyOrder::unpack(order.pack());
  RIDE_CHECK(again && *again == order, "an order does not survive being packed");
}

void check_text(std::string_view text) {
  if (const auto places = unpack_places(text)) {
    const auto again = unpack_places(pack_places(*places));
    RIDE_CHECK(again && *again == *places, "places do not survive being packed");
  }
  if (const auto order = CopyOrder::unpack(text)) check(*order);
}

}  // namespace
}  // namespace ride::producer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  const auto records = fuzz::read_records(fuzz::as_text(data, size));
  for (const auto& record : records) producer::check_text(record.value);
  const std::string topic = "ride.street.1.copy.manifest";
  fuzz::MemoryAccess access(fuzz::log_with(topic, records));
  producer::CopyJournal first(access, topic), second(access, topic);
  const auto places = first.open(0);
  RIDE_CHECK(places.ok(), "the journal cannot be opened: " + places.error().message);
  producer::check(*places);
  producer::check(first.order());
  const auto next = first.order().next_number();
  RIDE_CHECK(next == static_cast<std::int64_t>(places->size()), "the next number is not the next one");
  RIDE_CHECK(second.open(0).value() == *places, "another owner numbers the records otherwise");
  RIDE_CHECK(second.propose({{7, 1'000'000}}).ok() && second.read_agreed(std::chrono::milliseconds(0)).ok(),
             "cannot propose");
  const auto followed = first.read_agreed(std::chrono::milliseconds(0)).value();
  RIDE_CHECK(first.order() == second.order(), "two owners know of different orders");
  RIDE_CHECK(followed.empty() || followed.front().number == next, "a proposal gets another number than the next");
  first.forget_before(next);
  return 0;
}
