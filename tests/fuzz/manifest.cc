// The manifest topic of a finite source as others could have filled it: every later start reads the same numbering.
#include "common/check.h"
#include "producer/topic_manifest.h"
#include "tests/fuzz/memory_access.h"

namespace ride::producer {
namespace {

using Names = std::vector<std::string>;

Names items(TopicManifest& manifest, const Names& folder) {
  auto found = manifest.items([&]() -> Result<Names> { return folder; });
  RIDE_CHECK(found.ok(), "the manifest cannot be read: " + found.error().message);
  return *std::move(found);
}

}  // namespace
}  // namespace ride::producer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  const std::string topic = "ride.street.1.gate.manifest";
  fuzz::MemoryAccess access(fuzz::log_with(topic, fuzz::read_records(fuzz::as_text(data, size))));
  producer::TopicManifest first(access, topic, "p1#a"), second(access, topic, "p2#a");
  const auto names = producer::items(first, {"a.jpg", "b.jpg"});
  RIDE_CHECK(producer::items(second, {"other.jpg"}) == names, "a later start numbers the items otherwise");
  RIDE_CHECK(first.rejected() == second.rejected(), "a later start knows of other rejections");
  for (const auto number : first.rejected()) RIDE_CHECK(number >= 0, "an item below the first is rejected");
  const bool fresh = first.reject(1, "is a text file").value();
  RIDE_CHECK(fresh != second.rejected().contains(1), "a rejection is noted twice, or never");
  return 0;
}
