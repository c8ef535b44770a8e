// track on boxes that move as the test says: who they are is known, and the names are compared with it.
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "tests/tasks/moving_boxes.h"

namespace ride::tasks {
namespace {

// The names that each object had, frame by frame; empty where it was seen and had none.
using Names = std::map<int, std::map<int, std::string>>;

std::vector<Detection> tracked(Task& task, const Frame& frame) {
  KeepingEmitter out;
  const auto done = task.process(frame, out);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(out.only().image.data, frame.image.data);
  return detections_from_json(out.only().attributes.at("detections")).value();
}

void follow(Task& task, const std::vector<Path>& paths, int first, int last, Names& names) {
  for (int frame = first; frame <= last; ++frame) {
    std::vector<int> objects;
    const auto found = seen_in(frame, paths, &objects);
    const auto named = tracked(task, frame_with(found, frame));
    ASSERT_EQ(named.size(), found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      Detection same = named[i];
      same.track.clear();
      EXPECT_EQ(same, found[i]) << "more than the track was changed";
      names[objects[i]][frame] = named[i].track;
    }
  }
}

Names follow(const std::vector<Path>& paths, int frames, const ParamValues& params = {}) {
  Names names;
  follow(*opened("track", params), paths, 0, frames - 1, names);
  return names;
}

std::set<std::string> all_of(const std::map<int, std::string>& names) {
  std::set<std::string> all;
  for (const auto& [frame, name] : names) {
    if (!name.empty()) all.insert(name);
  }
  return all;
}

TEST(Track, ATrackIsNamedAfterItsFirstDetectionOnceItWasSeenThreeTimes) {
  const auto names = follow({straight(100, 200, 3, 0), during(straight(500, 200, -3, 0), 4, 20)}, 12);
  EXPECT_EQ(names.at(0).at(0), "");
  EXPECT_EQ(names.at(0).at(1), "");
  for (int frame = 2; frame < 12; ++frame) EXPECT_EQ(names.at(0).at(frame), "0-0");
  EXPECT_EQ(names.at(1).at(5), "");
  // In frame 4 the list begins with object 0 (4 mod 2), so that this one stands at place 1.
  for (int frame = 6; frame < 12; ++frame) EXPECT_EQ(names.at(1).at(frame), "4-1");
}

TEST(Track, ThoseWhoCrossKeepTheirNames) {
  // They walk towards each other, past each other and on; in the middle the boxes overlap by half and more.
  const auto names = follow({straight(50, 200, 6, 0.3), straight(590, 240, -6, -0.3)}, 90);
  EXPECT_EQ(all_of(names.at(0)), (std::set<std::string>{"0-0"}));
  EXPECT_EQ(all_of(names.at(1)), (std::set<std::string>{"0-1"}));
}

TEST(Track, WhoIsHiddenForUpToMaxAgeFramesKeepsTheName) {
  // At 5 pixels a frame a box of 40 has left its old place after 8 frames: only the expected place can tell.
  const ParamValues params = {{"max_age", std::int64_t{10}}};
  EXPECT_EQ(all_of(follow({hidden(straight(50, 200, 5, 0), 20, 29)}, 60, params).at(0)).size(), 1U);
  const auto lost = all_of(follow({hidden(straight(50, 200, 5, 0), 20, 30)}, 60, params).at(0));
  EXPECT_EQ(lost, (std::set<std::string>{"0-0", "31-0"}));
  const ParamValues none = {{"max_age", std::int64_t{0}}};
  EXPECT_EQ(all_of(follow({hidden(straight(50, 200, 0, 0), 20, 20)}, 60, none).at(0)).size(), 2U);
}

TEST(Track, OneWhoPassesInFrontOfAHiddenOneDoesNotTakeItsName) {
  // The second stands still and cannot be seen while the first passes.
  const auto names = follow({straight(50, 200, 8, 0), hidden(straight(300, 200, 0, 0), 26, 35)}, 70);
  EXPECT_EQ(all_of(names.at(0)), (std::set<std::string>{"0-0"}));
  EXPECT_EQ(all_of(names.at(1)), (std::set<std::string>{"0-1"}));
}

TEST(Track, JitterAndMissesDoNotBreakATrack) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> around(-4, 4), often(0, 9);
  std::vector<Path> paths;
  std::vector<std::map<int, Detection>> made(6);
  for (int object = 0; object < 6; ++object) {
    for (int frame = 0; frame < 200; ++frame) {
      if (frame > 3 && often(random) == 0) continue;  // a tenth is missed
      made[static_cast<std::size_t>(object)][frame] =
          box_at(60 + 2.5 * frame + around(random), 60 + 75 * object + around(random), 40 + around(random),
                 80 + around(random));
    }
    paths.emplace_back([&made, object](int frame) -> std::optional<Detection> {
      const auto& mine = made[static_cast<std::size_t>(object)];
      const auto at = mine.find(frame);
      return at == mine.end() ? std::nullopt : std::optional(at->second);
    });
  }
  const auto names = follow(paths, 200);
  std::set<std::string> different;
  for (int object = 0; object < 6; ++object) {
    EXPECT_EQ(all_of(names.at(object)).size(), 1U) << object;
    different.merge(all_of(names.at(object)));
  }
  EXPECT_EQ(different.size(), 6U);
}

TEST(Track, WhoLeavesAndComesBackLaterIsAnother) {
  const Path path = straight(300, 200, 0, 0);
  const auto names = follow({[=](int frame) { return frame < 20 || frame >= 50 ? path(frame) : std::nullopt; }}, 70);
  EXPECT_EQ(all_of(names.at(0)), (std::set<std::string>{"0-0", "50-0"}));
}

TEST(Track, WhatIsSeenOnceOrTwiceIsNoTrackAndLabelsAreNotMixed) {
  EXPECT_TRUE(all_of(follow({during(straight(300, 200, 0, 0), 5, 6)}, 20).at(0)).empty());
  EXPECT_EQ(all_of(follow({during(straight(300, 200, 0, 0), 5, 5)}, 20, {{"min_hits", std::int64_t{1}}}).at(0)).size(),
            1U);
  // A person where a car was.
  const auto names =
      follow({[](int frame) { return std::optional(box_at(300, 200, 40, 80, frame < 10 ? "car" : "person")); }}, 20);
  EXPECT_EQ(all_of(names.at(0)), (std::set<std::string>{"0-0", "10-0"}));
}

TEST(Track, ADroppedFrameIsOneInWhichAllWereMissed) {
  auto task = opened("track", {{"max_age", std::int64_t{10}}});
  Names names;
  const std::vector<Path> paths = {straight(50, 200, 5, 0)};
  follow(*task, paths, 0, 19, names);
  follow(*task, paths, 30, 39, names);  // ten are missing
  EXPECT_EQ(all_of(names.at(0)), (std::set<std::string>{"0-0"}));
  follow(*task, paths, 51, 60, names);  // eleven
  EXPECT_EQ(all_of(names.at(0)), (std::set<std::string>{"0-0", "51-0"}));
}

TEST(Track, SourcesAndSessionsAreApart) {
  auto task = opened("track", {{"min_hits", std::int64_t{1}}});
  const auto name = [&](const std::string& source, int session, int number) {
    Frame frame = frame_with({box_at(300, 200)}, number, source);
    frame.id.session = SessionId{session};
    return tracked(*task, frame).at(0).track;
  };
  EXPECT_EQ(name("gate", 3, 8), "8-0");
  EXPECT_EQ(name("door", 3, 9), "9-0");
  EXPECT_EQ(name("gate", 3, 9), "8-0");
  EXPECT_EQ(name("gate", 4, 0), "0-0");
  EXPECT_EQ(name("gate", 4, 0), "0-0") << "a second picture of the same frame";
  EXPECT_EQ(name("gate", 4, std::numeric_limits<int>::max()), "2147483647-0");
}

// Objects that come every 7 frames and stay for 60, some hidden for a while, all over the picture.
std::vector<Path> passers_by() {
  std::vector<Path> paths;
  for (int i = 0; i < 30; ++i) {
    const int from = 7 * i;
    const double x = 80 + (i * 131) % 480, y = 80 + (i * 197) % 320, dx = (i % 5) - 2, dy = (i % 3) - 1;
    const Path path = [=](int frame) {
      return std::optional(box_at(x + dx * (frame - from), y + dy * (frame - from)));
    };
    paths.push_back(during(i % 4 == 0 ? hidden(path, from + 20, from + 25) : path, from, from + 60));
  }
  return paths;
}

// A new owner is fed the last 30 frames, and what it says then is thrown away.
TEST(Track, ANewOwnerGoesOnWithTheSameNamesWhereTheyBeganInTheLastThirtyFrames) {
  const auto* decl = builtin_tasks().catalog().find("track");
  ASSERT_NE(decl, nullptr);
  ASSERT_TRUE(decl->needs_order);
  const auto paths = passers_by();
  Names undisturbed;
  follow(*opened("track"), paths, 0, 199, undisturbed);
  int same = 0, renamed = 0;
  for (const int loss : {40, 75, 100, 133}) {
    auto next = opened("track");
    Names thrown_away, after;
    follow(*next, paths, loss - decl->warmup_frames, loss - 1, thrown_away);
    follow(*next, paths, loss, 199, after);
    for (const auto& [object, names] : after) {
      std::set<std::string> old_names, new_names;
      for (const auto& [frame, name] : names) {
        const std::string old = undisturbed.at(object).at(frame);
        EXPECT_EQ(name.empty(), old.empty()) << "object " << object << ", frame " << frame;
        if (!old.empty()) old_names.insert(old);
        if (!name.empty()) new_names.insert(name);
      }
      // By its name: a track may go on from one object to another that comes where it was.
      const int began = old_names.empty() ? loss : std::stoi(*old_names.begin());
      if (began >= loss - decl->warmup_frames) {
        EXPECT_EQ(new_names, old_names) << "object " << object << " began in frame " << began << ", loss at " << loss;
        ++same;
      } else {
        EXPECT_EQ(new_names.size(), 1U) << "it changes once, at the loss";
        ++renamed;
      }
    }
  }
  EXPECT_GT(same, 40);
  EXPECT_GT(renamed, 10);
}

TEST(Track, AnOlderTracksNewNameIsThatOfADetectionOfTheSameObject) {
  const std::vector<Path> paths = {straight(100, 100, 1, 0), straight(100, 300, 1, 0), straight(400, 200, -1, 0)};
  auto next = opened("track");
  Names thrown_away, after;
  follow(*next, paths, 70, 99, thrown_away);
  follow(*next, paths, 100, 110, after);
  for (const auto& [object, names] : after) {
    std::vector<int> objects;
    seen_in(70, paths, &objects);
    const auto place = std::find(objects.begin(), objects.end(), object) - objects.begin();
    EXPECT_EQ(all_of(names), (std::set<std::string>{"70-" + std::to_string(place)}));
  }
}

TEST(Track, StandsBoxesThatNobodyCanMeasure) {
  auto task = opened("track", {{"min_hits", std::int64_t{1}}});
  for (int frame = 0; frame < 5; ++frame) {
    const auto named = tracked(*task, frame_with({box_at(0, 0, 0, 0), box_at(1e308, 1e308, 1e308, 1e308),
                                                  box_at(-1e308, 1e300, 1e-300, 1e300), box_at(300, 200)},
                                                 frame));
    EXPECT_EQ(named.at(3).track, "0-3");
  }
}

TEST(Track, AThousandDetectionsAreFollowedAndMoreAreAnError) {
  std::vector<Detection> many;
  for (int i = 0; i < 1000; ++i) many.push_back(box_at(10 * (i % 40), 10 * (i / 40)));  // they overlap a lot
  auto task = opened("track");
  for (int frame = 0; frame < 4; ++frame) EXPECT_EQ(tracked(*task, frame_with(many, frame)).size(), 1000U);
  EXPECT_EQ(tracked(*task, frame_with(many, 4)).at(999).track, "0-999");
  many.push_back(many.front());
  EXPECT_NE(error_of("track", {}, frame_with(many, 5)).find("1001 detections"), std::string::npos);
}

TEST(Track, NeedsDetectionsThatCanBeRead) {
  Frame frame = frame_with({}, 7);
  EXPECT_TRUE(tracked(*opened("track"), frame).empty());
  frame.attributes["detections"] = R"([{"box":[1,2,3]}])";
  EXPECT_NE(error_of("track", {}, frame).find("entry 0"), std::string::npos);
  frame.attributes.erase("detections");
  EXPECT_NE(error_of("track", {}, frame).find("no attribute 'detections'"), std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
