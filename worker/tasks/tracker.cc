#include "worker/tasks/tracker.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <functional>
#include <tuple>

namespace ride::tasks {
namespace {

constexpr std::size_t kFitted = 8;  // boxes that the line is fitted to

// The value at `at` of the straight line through the points (t, v) with the smallest sum of squared distances in v.
struct Line {
  double count = 0, t = 0, v = 0, tt = 0, tv = 0;  // sums

  void add(double time, double value) {
    count += 1;
    t += time;
    v += value;
    tt += time * time;
    tv += time * value;
  }
  double at(double time) const {
    const double spread = count * tt - t * t;
    const double slope = spread > 0 ? (count * tv - t * v) / spread : 0;
    return (v - slope * t) / count + slope * time;
  }
};

}  // namespace

Tracker::Box Tracker::box_of(const Detection& d) { return {d.x + d.width / 2, d.y + d.height / 2, d.width, d.height}; }

// 0 where one has no area, and where numbers are too large to be multiplied: then what is compared is no number.
double Tracker::overlap(const Box& a, const Box& b) {
  const auto shared = [](double a_middle, double a_side, double b_middle, double b_side) {
    return std::min(a_middle + a_side / 2, b_middle + b_side / 2) -
           std::max(a_middle - a_side / 2, b_middle - b_side / 2);
  };
  const double width = shared(a.x, a.width, b.x, b.width), height = shared(a.y, a.height, b.y, b.height);
  if (!(width > 0) || !(height > 0)) return 0;
  const double both = width * height;
  const double ratio = both / (a.width * a.height + b.width * b.height - both);
  return ratio > 0 && ratio <= 1 ? ratio : 0;
}

// The middle goes on along its line; the size stays that of the last box. Times are counted from the last one, so that
// they are small numbers.
Tracker::Box Tracker::foretold(const Track& track, std::int64_t time) {
  const Seen& last = track.seen.back();
  Line x, y;
  for (const Seen& seen : track.seen) {
    const auto before = static_cast<double>(seen.time - last.time);
    x.add(before, seen.box.x);
    y.add(before, seen.box.y);
  }
  const auto ahead = static_cast<double>(time - last.time);
  return {x.at(ahead), y.at(ahead), last.box.width, last.box.height};
}

// Of equal overlaps the older track's comes first, then the earlier detection's.
std::vector<Tracker::Pair> Tracker::pairs(std::int64_t time, const std::vector<Detection>& detections) const {
  std::vector<Pair> found;
  for (std::size_t t = 0; t < tracks_.size(); ++t) {
    const Box box = foretold(tracks_[t], time);
    for (std::size_t d = 0; d < detections.size(); ++d) {
      if (detections[d].label != tracks_[t].label) continue;
      const double shared = overlap(box, box_of(detections[d]));
      if (shared > 0 && shared >= settings_.iou) found.push_back({shared, t, d});
    }
  }
  std::sort(found.begin(), found.end(), [](const Pair& a, const Pair& b) {
    return std::tuple(-a.overlap, a.track, a.detection) < std::tuple(-b.overlap, b.track, b.detection);
  });
  return found;
}

void Tracker::hit(Track& track, std::int64_t time, Detection& detection) const {
  track.seen.push_back({time, box_of(detection)});
  if (track.seen.size() > kFitted) track.seen.erase(track.seen.begin());
  if (!track.confirmed) track.confirmed = ++track.hits >= settings_.min_hits;
  if (track.confirmed) detection.track = track.name;
}

// One that never became a track ends with its first miss.
void Tracker::forget(std::int64_t time) {
  std::erase_if(tracks_, [&](const Track& track) {
    const auto unseen = time - track.seen.back().time;
    return unseen > (track.confirmed ? settings_.max_age : 0);
  });
}

// Those that were seen last stay, in the order of their beginning.
void Tracker::trim() {
  if (tracks_.size() <= kMostTracks) return;
  std::vector<std::int64_t> seen;
  seen.reserve(tracks_.size());
  for (const Track& track : tracks_) seen.push_back(track.seen.back().time);
  std::nth_element(seen.begin(), seen.begin() + kMostTracks - 1, seen.end(), std::greater<>());
  const auto oldest = seen[kMostTracks - 1];
  auto room = kMostTracks - static_cast<std::size_t>(
                                std::count_if(seen.begin(), seen.end(), [&](auto time) { return time > oldest; }));
  std::erase_if(tracks_, [&](const Track& track) {
    const auto time = track.seen.back().time;
    if (time != oldest) return time < oldest;
    if (room == 0) return true;
    --room;
    return false;
  });
}

void Tracker::update(std::int64_t time, std::int64_t frame, std::size_t first_place,
                     std::vector<Detection>& detections) {
  std::erase_if(tracks_, [&](const Track& track) { return time - track.seen.back().time > settings_.max_age + 1; });
  std::vector<bool> given(detections.size()), taken(tracks_.size());
  for (Detection& detection : detections) detection.track.clear();
  for (const Pair& pair : pairs(time, detections)) {
    if (given[pair.detection] || taken[pair.track]) continue;
    given[pair.detection] = taken[pair.track] = true;
    hit(tracks_[pair.track], time, detections[pair.detection]);
  }
  forget(time);
  for (std::size_t d = 0; d < detections.size(); ++d) {
    if (given[d]) continue;
    Track begun{.name = fmt::format("{}-{}", frame, first_place + d), .label = detections[d].label};
    hit(begun, time, detections[d]);
    tracks_.push_back(std::move(begun));
  }
  trim();
}

}  // namespace ride::tasks
