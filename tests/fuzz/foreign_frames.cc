// One record of a topic that others write (`adopt`), on its way to pixels: raw, zstd, JPEG, PNG, each with a limit of
// pixels. Headers as lines, an empty line, then the value. The first header chooses what the topology says of the
// records: `adopt=raw|jpeg|png|image|none`.
#include <opencv2/core.hpp>

#include "common/check.h"
#include "stream/core/dead_letter.h"
#include "stream/frame_codec.h"
#include "tests/fuzz/records.h"

namespace ride::stream {
namespace {

constexpr std::int64_t kMostPixels = 64 << 10;

std::optional<AdoptSpec> adopted(const Headers& headers) {
  if (headers.empty() || headers.front().first != "adopt" || headers.front().second == "none") return std::nullopt;
  return AdoptSpec{headers.front().second, "16x24x3", "8u"};
}

// The same frame from what would be written of it.
void check_written(const Frame& frame, const char* codec, bool lossless) {
  const auto content = content_for(frame, codec);
  if (!content.ok()) return;  // JPEG of 16 bits
  RecordHeader header;
  header.id = frame.id;
  header.content_type = content->content_type;
  header.pixels = content->pixels;
  header.compressed = content->compressed;
  const auto again = to_frame({header, content->payload}, std::nullopt, kMostPixels);
  RIDE_CHECK(again.ok(), "what was written cannot be read: " + again.error().message);
  RIDE_CHECK(again->image.size() == frame.image.size(), "of another size when it was written");
  if (!lossless) return;
  RIDE_CHECK(again->image.type() == frame.image.type(), "of another type when it was written");
  const auto bytes = frame.image.cols * frame.image.elemSize();
  for (int row = 0; row < frame.image.rows; ++row)
    RIDE_CHECK(std::equal(frame.image.ptr(row), frame.image.ptr(row) + bytes, again->image.ptr(row)),
               "other pixels when it was written");
}

void check(const WholeFrame& whole, const std::optional<AdoptSpec>& adopt) {
  const auto frame = to_frame(whole, adopt, kMostPixels);
  if (!frame.ok()) {
    RIDE_CHECK(!frame.error().message.empty(), "an error without words");
    return;
  }
  RIDE_CHECK(!frame->image.empty(), "a frame without pixels");
  RIDE_CHECK(static_cast<std::int64_t>(frame->image.total()) <= kMostPixels, "more pixels than allowed");
  check_written(*frame, "", true);
  check_written(*frame, "raw:zstd", true);
}

}  // namespace
}  // namespace ride::stream

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride::stream;
  const auto text = ride::fuzz::as_text(data, size);
  const auto gap = std::min(text.find("\n\n"), text.size());
  const auto value = text.substr(std::min(gap + 2, text.size()));
  const auto headers = ride::fuzz::read_records(text.substr(0, gap)).front().headers;
  const auto adopt = adopted(headers);
  SetAssembler assembler(
      {.at = {"plates", ride::PartitionId{3}}, .job = "street", .adopt = adopt ? adopt : AdoptSpec{}}, {});
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(value.data()), value.size());
  const auto step = assembler.add(ride::Offset{41}, {}, headers, {bytes, nullptr});
  RIDE_CHECK(step.accepted && step.accepted->released_by == ride::Offset{41}, "a foreign record leads to nothing");
  for (const auto& whole : step.accepted->frames) check(whole, adopt);
  const auto letter = make_dead_letter(*step.accepted, {"street", "clean", "w1#a@1", step.accepted->header.origin},
                                       {{"plates", {3}}, {41}, "clean", "why", "w1#a", 1, {}}, {});
  RIDE_CHECK(letter.size() == 1 && decode_death(letter.front().headers).ok(), "a dead letter that cannot be read");
  return 0;
}
