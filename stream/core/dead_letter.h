// A dead letter: the copy of a frame (or of a record that is no frame) that goes no further, in the stage's
// `<topic>.dead` (docs/frame-format.md). It is the frame as it came in, with headers that say where it lay, why it is
// dead, and when. A takeover may write it twice: the place shows that. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "common/units.h"
#include "stream/core/record.h"
#include "stream/core/set.h"
#include "stream/core/set_assembler.h"
#include "stream/spec.h"

namespace ride::stream {

// Who writes dead frames again (`ride dead replay`): a line of its own in every stage's watermarks. No source or stage
// can be called so.
inline constexpr const char* kReplayUpstream = "~replay";

// One partition: it is read by people.
std::string dead_topic(const StageSpec& stage);

struct DeathNotice {
  TopicPartition at;  // of the stage's input: where the frame lay
  Offset offset;      // whose reading released it; with `at` its name
  std::string stage;
  std::string reason;  // "task_error: ...", "bad_picture: ...", "not_a_frame: ...", "poison: ..."
  std::string worker;  // incarnation that gave it up
  int attempts = 1;    // how often it was tried
  SystemTime died_at{};
  bool operator==(const DeathNotice&) const = default;
};

// The records of the copy, for partition 0 of the dead topic. `identity` names the writer, its origin the frame.
std::vector<OutRecord> make_dead_letter(const AcceptedSet& set, const SetIdentity& identity, const DeathNotice& notice,
                                        const ChunkLimits& limits);

Headers encode_death(const DeathNotice& notice);
// not_found: the record has no such headers. `headers` may hold any others.
Result<DeathNotice> decode_death(const Headers& headers);
bool is_death_header(const std::string& name);

}  // namespace ride::stream
