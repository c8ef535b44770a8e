#include "test_runner/judge.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>

#include "common/json.h"
#include "common/suggest.h"
#include "common/wording.h"
#include "producer/sources/picture_frame.h"
#include "test_runner/picture_compare.h"
#include "test_runner/test_input.h"

namespace ride::test_runner {
namespace {

using topology::ExpectedObject;
using topology::TestOutcome;

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string box_text(double x, double y, double width, double height) {
  return fmt::format("[{:.6g}, {:.6g}, {:.6g}, {:.6g}]", x, y, width, height);
}

Result<cv::Mat> read_expected(const std::string& path) {
  return producer::handled([&]() -> Result<cv::Mat> {
    const producer::PictureLimits limits{.memory_bytes = kPictureMemory};
    RIDE_ASSIGN(const auto file, producer::read_picture_file(path, limits, {Codec{}}));
    return producer::decode_picture(file.info, file.bytes);
  });
}

class Judge {
 public:
  Judge(const topology::Expectation& expect, const Seen& seen) : expect_(expect), seen_(seen) {}

  Verdict run(const std::string& picture_path) {
    check_outcome();
    if (expect_.frames && *expect_.frames != seen_.frames_out)
      fail("{} came out, expected {}", counted(seen_.frames_out, "frame"), *expect_.frames);
    if (!seen_.out) return std::move(verdict_);
    verdict_.sha256 = pixel_hash(seen_.out->image);
    if (!picture_path.empty()) check_picture(picture_path);
    if (!expect_.sha256.empty()) check_hash();
    if (expect_.objects) check_objects();
    for (const auto& [name, value] : expect_.attributes) check_attribute(name, value);
    return std::move(verdict_);
  }

 private:
  template <class... Arguments>
  void fail(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    verdict_.failures.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
  }

  void check_outcome() {
    const Fate& fate = seen_.fate;
    const std::string where = fate.stage.empty() ? "" : fmt::format(" in stage {}", fate.stage);
    const std::string why = fate.reason.empty() ? "" : ": " + fate.reason;
    if (fate.outcome != expect_.outcome) {
      // A task may hold a frame back, and give another one for it: now, or when no frame follows.
      if (expect_.outcome == TestOutcome::passed && fate.outcome == TestOutcome::filtered && seen_.out_for_last) return;
      fail("the frame is {}{}{}, expected {}", topology::to_string(fate.outcome), where, why,
           topology::to_string(expect_.outcome));
    } else if (fate.reason.find(expect_.reason) == std::string::npos) {
      fail("the frame is {}{} as expected, but the reason is {}, expected {}", topology::to_string(fate.outcome), where,
           quoted(fate.reason), quoted(expect_.reason));
    }
  }

  void check_picture(const std::string& path) {
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) {
      verdict_.picture_differs = true;
      return fail("the expected picture {} is not there; look at what comes out and write it with --update", path);
    }
    auto expected = read_expected(path);
    if (!expected.ok()) return fail("the expected picture {} {}", path, expected.error().message);
    verdict_.expected = *expected;
    const cv::Mat& got = seen_.out->image;
    if (got.size() != expected->size() || got.type() != expected->type()) {
      verdict_.picture_differs = true;
      return fail("the picture is {}, expected {} ({})", shape_of(got), shape_of(*expected), path);
    }
    const std::size_t before = verdict_.failures.size();
    if (!expect_.psnr_or_ssim()) check_same(got, *expected, path);
    if (expect_.psnr) {
      const double value = psnr(got, *expected);
      if (!(value >= *expect_.psnr)) fail("psnr is {:.2f} dB, expected {} or more ({})", value, *expect_.psnr, path);
    }
    if (expect_.ssim) check_ssim(got, *expected, path);
    verdict_.picture_differs = verdict_.failures.size() > before;
  }

  void check_same(const cv::Mat& got, const cv::Mat& expected, const std::string& path) {
    const auto apart = difference(got, expected);
    if (apart.pixels == 0) return;
    fail("{} of {} differ, first at row {}, column {}, by at most {:.6g} (psnr {:.2f} dB; {})",
         counted(apart.pixels, "pixel"), got.total(), apart.row, apart.col, apart.largest, psnr(got, expected), path);
  }

  void check_ssim(const cv::Mat& got, const cv::Mat& expected, const std::string& path) {
    const auto value = ssim(got, expected);
    if (!value.ok()) return fail("{}", value.error().message);
    if (!(*value >= *expect_.ssim)) fail("ssim is {:.4f}, expected {} or more ({})", *value, *expect_.ssim, path);
  }

  void check_hash() {
    if (expect_.sha256 == topology::kNewHash)
      return fail("the hash is not known yet: {} comes out; --update writes it", verdict_.sha256);
    if (verdict_.sha256 != expect_.sha256)
      fail("sha256 is {}, expected {} (the picture is {})", verdict_.sha256, expect_.sha256,
           shape_of(seen_.out->image));
  }

  void check_objects() {
    const auto attribute = seen_.out->attributes.find(tasks::kDetectionsAttribute);
    if (attribute == seen_.out->attributes.end())
      return fail("nothing was looked for: the frame has no attribute '{}'", tasks::kDetectionsAttribute);
    auto found = tasks::detections_from_json(attribute->second);
    if (!found.ok()) return fail("the attribute '{}': {}", tasks::kDetectionsAttribute, found.error().message);
    for (auto& one : *found)
      if (!expect_.min_score || one.score >= *expect_.min_score) verdict_.found.push_back(std::move(one));
    const auto& wanted = *expect_.objects;
    verdict_.match = match_objects(wanted, verdict_.found, expect_.iou);
    const auto missing = std::count(verdict_.match.found_by.begin(), verdict_.match.found_by.end(), std::nullopt);
    const auto matched = static_cast<std::int64_t>(wanted.size()) - missing;
    if (matched < expect_.at_least.value_or(static_cast<std::int64_t>(wanted.size()))) fail_missing(matched);
    if (!expect_.extra_allowed) fail_extra();
  }

  void fail_missing(std::int64_t matched) {
    if (expect_.at_least)
      fail("{} of the {} listed objects were found, expected {} or more", matched, expect_.objects->size(),
           *expect_.at_least);
    for (std::size_t i = 0; i < expect_.objects->size(); ++i) {
      if (verdict_.match.found_by[i]) continue;
      const ExpectedObject& object = (*expect_.objects)[i];
      fail("{} at {} was not found{}", quoted(object.label), box_text(object.x, object.y, object.width, object.height),
           nearest_to(object));
    }
  }

  std::string nearest_to(const ExpectedObject& object) const {
    const tasks::Detection* nearest = nullptr;
    for (const auto& one : verdict_.found)
      if (nearest == nullptr || overlap(object, one) > overlap(object, *nearest)) nearest = &one;
    if (nearest == nullptr || overlap(object, *nearest) == 0) return "; nothing was found there";
    return fmt::format("; nearest is {} at {} with iou {:.2f}, score {:.3g}", quoted(nearest->label),
                       box_text(nearest->x, nearest->y, nearest->width, nearest->height), overlap(object, *nearest),
                       nearest->score);
  }

  void fail_extra() {
    for (std::size_t i = 0; i < verdict_.found.size(); ++i) {
      if (verdict_.match.expected[i]) continue;
      const auto& one = verdict_.found[i];
      fail("{} at {} with score {:.3g} was found and is not listed (extra: allowed lets it be)", quoted(one.label),
           box_text(one.x, one.y, one.width, one.height), one.score);
    }
  }

  void check_attribute(const std::string& name, const std::string& expected) {
    const auto found = seen_.out->attributes.find(name);
    if (found == seen_.out->attributes.end()) {
      std::vector<std::string> names;
      for (const auto& [other, value] : seen_.out->attributes) names.push_back(other);
      return fail("the frame has no attribute '{}'{}", name, did_you_mean(name, names));
    }
    if (found->second == expected) return;
    const auto got = nlohmann::json::parse(found->second, nullptr, false);
    const auto wanted = nlohmann::json::parse(expected, nullptr, false);
    if (!got.is_discarded() && got == wanted) return;
    fail("attribute '{}' is {}, expected {}", name, quoted(found->second), quoted(expected));
  }

  const topology::Expectation& expect_;
  const Seen& seen_;
  Verdict verdict_;
};

}  // namespace

Verdict judge(const topology::Expectation& expect, const Seen& seen, const std::string& picture_path) {
  return Judge(expect, seen).run(picture_path);
}

}  // namespace ride::test_runner
