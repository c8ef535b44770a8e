// What a kind of source says about itself before any of its code runs: the topology parser checks files against it,
// `ride schema` and the reference page print it, master, producer and command line act on it. Declarations are data, so
// that a process that never opens a source can hold them; how a source is opened: producer/source_request.h. Pure
// values. Threads: any. Failure: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/frame_shape.h"
#include "common/key_spec.h"
#include "common/param.h"

namespace ride {

// How frames get their numbers, and with that where the next owner of a source goes on (docs/decisions/0002, 0018).
enum class Numbering {
  when_sent,    // counted as they are sent: each owner begins a session of its own
  by_position,  // the place in the sequence, known to every owner: one that ends goes on in its session, an endless one
                // begins anew
  by_manifest,  // which item has which number is noted down in the run's manifest topic first: goes on in its session
  by_journal,   // agreed on in the run's journal before a frame is sent: goes on in its session although it never ends
};

// What a source opens: what can be looked at before a job starts, and what else the job must not do with it.
enum class SourceInput { nothing, device, file, picture_folder, topic };

// What is wrong with a source's keys as they stand together.
struct KeyFault {
  std::string key;
  bool at_value = false;  // the place is the key's value, else the key
  std::string message, fix;
};

struct SourceDecl {
  std::string name;  // "video"; the key of the file that says what is read, too
  KeySpec
      what;  // that key. camera, uri: a template whose ${VAR}s only the producer fills in; section: `keys` stand in it
  std::string section_doc;    // of a section
  std::vector<KeySpec> keys;  // all others of this kind; every one has a default
  // Rules over several keys: says what is wrong and settles what follows. `given`: names of the keys in the file. May
  // be null.
  std::vector<KeyFault> (*settle)(const std::vector<std::string>& given, ParamValues& params) = nullptr;

  bool live =
      false;  // a device that goes on without us: it has its own rate, and what it loses leaves no hole in the numbers
  bool (*finite)(const ParamValues& params) = nullptr;  // whether it ends by itself; null: never
  std::string finite_text;  // "a video without 'loop: true'": what ends, in a sentence; empty: never
  Numbering numbering = Numbering::when_sent;

  std::optional<double> fps;    // where the file has none. Absent: its own rate, or as fast as frames are taken
  bool own_rate = false;        // what is read says how many frames a second it has
  bool drop_when_late = false;  // where the file has no `when_late`
  const char* (*default_codec)(const std::string& uri) =
      nullptr;                     // null: picture files keep their bytes, all else is raw
  std::string codec_text = "raw";  // the same in words
  std::optional<FrameShape> (*shape)(const ParamValues& params) = nullptr;  // where it is known before a frame was seen

  SourceInput input = SourceInput::nothing;
  bool frames_have_files = false;  // each comes from a file of its own, named in the attribute `source_file`
  bool may_be_silent = false;      // that nothing comes is no sign of trouble
  // Each frame is made from those before it: one that must not be read any more (docs/decisions/0020) ends the whole
  // source.
  bool indivisible = false;
  std::string (*shown)(const ParamValues& params) = nullptr;  // in a plan, instead of the URI
};

// All, in the order in which messages name them.
const std::vector<SourceDecl>& source_kinds();
const SourceDecl* find_source_kind(std::string_view name);  // null: a kind of another version
const SourceDecl& source_kind(std::string_view name);  // ... of which nothing is known: a declaration without content
std::vector<std::string> source_kind_names();

// A source's next owner goes on in its session instead of beginning one: every owner knows the numbers of its items.
bool keeps_session(std::string_view kind, bool finite);

// `given` (a plan's, which may be of another version) with a value of the right type for each key of the kind.
ParamValues with_defaults(const SourceDecl& kind, ParamValues given);

}  // namespace ride
