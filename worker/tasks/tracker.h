// Tracker: which detections of one source belong to the same object. The scheme of SORT (Bewley et al., "Simple online
// and realtime tracking", 2016): each track says where its box will be, and detections are given to the tracks that
// they overlap most. Two things differ, so that an owner that saw only the last frames comes to the same result as one
// that saw all (decision 0012): the place is foretold by the straight line that fits the last 8 boxes best (least
// squares), where SORT has a Kalman filter, which never forgets; and pairs are taken in the order of their overlap
// (greedily), where SORT solves the assignment as a whole. Owner and threads: the task. Memory: at most kMostTracks
// tracks, and 72 MB while 3000 tracks and 1000 detections that all overlap are compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/tasks/detections.h"

namespace ride::tasks {

class Tracker {
 public:
  static constexpr std::size_t kMostDetections = 1000;  // of a frame, for update()
  static constexpr std::size_t kMostTracks = 3000;

  struct Settings {
    double iou = 0.3;  // overlap (intersection over union) from which a detection can be a track's
    int max_age = 10;  // frames in a row that a track may miss
    int min_hits = 3;  // detections in a row that make a track
  };

  Tracker() = default;
  explicit Tracker(Settings settings) : settings_(settings) {}

  // The detections of the frame at this time (frames, rising), at most kMostDetections: each that belongs to a track is
  // given its name. A track is named after its first detection: the number of its frame and its place in the list,
  // from 0. `first_place` is that of the first one here.
  void update(std::int64_t time, std::int64_t frame, std::size_t first_place, std::vector<Detection>& detections);

 private:
  struct Box {
    double x = 0, y = 0;  // the middle
    double width = 0, height = 0;
  };
  struct Seen {
    std::int64_t time = 0;
    Box box;
  };
  struct Track {
    std::string name, label;
    std::vector<Seen> seen;  // the last ones, newest last
    int hits = 0;            // in a row, until it is confirmed
    bool confirmed = false;
  };
  struct Pair {
    double overlap = 0;
    std::size_t track = 0, detection = 0;
  };

  static Box box_of(const Detection& detection);
  static double overlap(const Box& a, const Box& b);
  static Box foretold(const Track& track, std::int64_t time);
  std::vector<Pair> pairs(std::int64_t time, const std::vector<Detection>& detections) const;
  void hit(Track& track, std::int64_t time, Detection& detection) const;
  void forget(std::int64_t time);
  void trim();

  Settings settings_;
  std::vector<Track> tracks_;  // in the order of their beginning
};

}  // namespace ride::tasks
