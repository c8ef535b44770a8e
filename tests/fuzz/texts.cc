// Small texts from headers, flags, files and variables: each line goes through every parser. What is read and written
// again reads the same.

#include "cli/core/dead_view.h"
#include "cli/core/settings.h"
#include "cli/core/tap_target.h"
#include "cli/core/trace_view.h"
#include "common/check.h"
#include "common/frame.h"
#include "common/frame_shape.h"
#include "common/json.h"
#include "common/param.h"
#include "common/text.h"
#include "common/units.h"
#include "stream/core/frame_record.h"
#include "stream/core/origin.h"
#include "tests/fuzz/records.h"
#include "topology/secrets.h"

namespace ride {
namespace {

void check_identities(const std::string& text) {
  if (const auto id = parse_frame_id(text); id.ok())
    RIDE_CHECK(*parse_frame_id(to_string(*id)) == *id, "another frame when it is written");
  if (const auto origin = stream::parse_origin(text); origin.ok())
    RIDE_CHECK(*stream::parse_origin(to_string(*origin)) == *origin, "another origin when it is written");
  if (const auto codec = parse_codec(text); codec.ok())
    RIDE_CHECK(to_string(*parse_codec(to_string(*codec))) == to_string(*codec), "another codec when it is written");
  (void)cli::parse_place(text);
  (void)cli::parse_trace_target(text);
  (void)cli::find_topic(text, "ride", {"ride.street.1.clean", "ride.street.12.clean", "plates", text});
  (void)cli::dead_topics(text, "ride", {"ride.street.1.clean.dead", "ride.street.12.clean.dead", text});
}

void check_quantities(const std::string& text) {
  if (const auto size = parse_byte_size(text); size.ok()) {
    RIDE_CHECK(size->bytes >= 0, "a size below 0");
    // The largest rounds to one that is too large.
    if (size->bytes < std::int64_t{1} << 62)
      RIDE_CHECK(parse_byte_size(format_byte_size(*size)).ok(), "a size that cannot be read again");
  }
  if (const auto duration = parse_duration(text); duration.ok()) {
    RIDE_CHECK(duration->count() >= 0, "a duration below 0");
    RIDE_CHECK(*parse_duration(format_duration(*duration)) == *duration, "another duration when it is written");
  }
  if (const auto time = parse_time(text); time.ok()) {
    // A zone may lead out of the four digits of a year: then it is another time, and stays that.
    const auto again = parse_time(format_time(*time));
    RIDE_CHECK(again.ok() && format_time(*again) == format_time(*time), "another time when it is written");
  }
  for (const char* depth : {"8u", "16u", "64f"}) {
    if (const auto pixels = stream::parse_pixel_format(text, depth); pixels.ok()) {
      RIDE_CHECK(pixels->bytes() > 0, "a picture without bytes");
      RIDE_CHECK(*stream::parse_pixel_format(stream::shape_text(*pixels), stream::depth_text(pixels->depth)) == *pixels,
                 "another shape when it is written");
    }
    if (const auto shape = parse_shape(text, depth)) RIDE_CHECK(shape->bytes() > 0, "a shape without bytes");
  }
}

void check_words(const std::string& text) {
  for (const char c : one_line(text))
    RIDE_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "more than a line");
  const auto masked = topology::mask_secrets(text);
  RIDE_CHECK(masked.size() <= text.size(), "more stars than there were characters");
  for (const auto& span : topology::secret_spans(text))
    RIDE_CHECK(span.begin <= span.end && span.end <= text.size(), "a secret outside the text");
  RIDE_CHECK(!topology::has_literal_secret(masked) || topology::has_literal_secret(text), "the stars make a secret");
  for (const auto& spec : cli::setting_specs()) (void)cli::parse_param_text(spec, text);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (const auto params = params_from_json(json); params.ok())
    RIDE_CHECK(*params_from_json(params_to_json(*params)) == *params, "other parameters when they are written");
}

}  // namespace
}  // namespace ride

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  const auto whole = fuzz::as_text(data, size);
  for (const auto line : fuzz::lines_of(whole)) {
    const std::string text(line);
    check_identities(text);
    check_quantities(text);
    check_words(text);
  }
  (void)cli::parse_settings_file("ride.conf", whole);
  return 0;
}
