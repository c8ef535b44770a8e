// What a hostile client writes and asks: each attack is drawn from a seeded generator, so that a run can be repeated.
// Pure, apart from encoding pictures. Owner: the caller.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "stream/control.h"
#include "stream/ports.h"

namespace ride::test {

// Records for one partition, to be written one behind the other.
struct RecordAttack {
  std::string name;
  std::vector<stream::OutRecord> records;
};

// Against a topic of frames that `source` of job `job`, run 1, writes into.
RecordAttack draw_frame_attack(std::mt19937_64& random, const std::string& job, const std::string& source);
// Against a foreign topic of pictures that a job copies. None of them is a picture of at most a megapixel.
RecordAttack draw_picture_attack(std::mt19937_64& random);
// Against `<prefix>.decisions`. `standing`: a decision of the present leader, whose names the forger copies.
RecordAttack draw_decision_attack(std::mt19937_64& random, const stream::Decision& standing, const std::string& job);
// Against `<prefix>.reports`. `log`: the id that honest records carry.
RecordAttack draw_report_attack(std::mt19937_64& random, const std::string& log);

// The bytes of a request for the API; some of them only begin one.
std::string draw_request(std::mt19937_64& random);

// A JPEG of 64 x 48 that shows its number by its pixels.
std::vector<std::uint8_t> honest_picture(int number);

}  // namespace ride::test
