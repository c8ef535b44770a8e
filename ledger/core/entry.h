// One record of a job's topic as the ledger sees it: who it is, where it comes from, which part of its set. Read from
// the headers by the description in docs/frame-format.md, apart from stream/core/frame_record. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "common/units.h"

namespace ride::ledger {

using Headers = std::vector<std::pair<std::string, std::string>>;

enum class EntryKind { frame, outcome, end };

// The source and the session that a frame belongs to. Between a split and its merge a frame comes in several sets: each
// group of its tiles counts for itself.
struct SessionKey {
  std::string source;
  std::int64_t session = 0;
  int group = 0, groups = 0;  // 0 groups: a whole frame
  auto operator<=>(const SessionKey&) const = default;
};

// The upstream partition that a set comes from: within it keys only rise.
struct UpstreamPartition {
  std::string upstream;
  std::int64_t partition = 0;
  auto operator<=>(const UpstreamPartition&) const = default;
};

struct Key {
  std::int64_t major = 0, minor = 0;
  auto operator<=>(const Key&) const = default;
};

struct Entry {
  EntryKind kind = EntryKind::frame;
  SessionKey session_key;
  std::int64_t number = 0;
  UpstreamPartition from;
  Key key;
  int part = 1, parts = 1;
  std::string writer;   // the incarnation and its epoch
  std::string outcome;  // filtered, dropped, dead; of outcome records
  std::string reason;
  SystemTime captured_at{};
};

// not_found: no record of RIDE's. corrupt: one whose headers the description does not allow; the message names the
// header.
Result<Entry> read_entry(const Headers& headers);

}  // namespace ride::ledger
