// WrittenLine: what a sink noted down of one file that it has written, in a log beside its files, so that a run that
// was broken off need not write it again (decision 0046). One line of text: fields behind tabs, whatever is no plain
// character as %XX, and a checksum at the end, so that half a line counts as none. Pure; any thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ride {

struct WrittenLine {
  std::string recipe;        // of the topology that made it: 64 hexadecimal digits at the most
  std::string sink, from;    // the stage that wrote it, and the one that the picture came from
  std::string source, file;  // the source, and the picture's file within its folder
  std::int64_t number = 0;   // of the frame
  std::string version;       // of the picture's file, as input_version() gives it
  std::string path;          // of what was written
  std::string written;       // the version of that file
  bool operator==(const WrittenLine&) const = default;
};

// Ends with a line feed, and begins with one: behind half a line it is whole all the same.
std::string to_text(const WrittenLine& line);
// A line without its line feed. Nothing: it is none, or a part of one.
std::optional<WrittenLine> parse_written_line(std::string_view text);

// Of what a sink has written: size and time of the last change of its content. Links and rights that are changed later
// make no other version of it.
std::string file_version(std::int64_t bytes, std::int64_t changed_ns);
std::string file_version(const struct stat& state);  // empty: it is no regular file
// Of a picture that is read: also the time of the last change of its inode, which nobody sets by hand, and the inode
// itself. A change of a picture that sets its time back, and one that replaces it, make another version.
std::string input_version(const struct stat& state);  // empty: it is no regular file

// The log of a job's sink: ".ride-written-" and a hash, beside the folder that the fixed part of its path template
// names (so that nothing but pictures is in it), or in that folder where it is the one that a run works in.
std::string written_log_path(const std::string& path_template, std::string_view job, std::string_view sink);

// Pictures of a source that are done, by number: what `ride run --resume` gives its producers, one file a source.
using DoneItems = std::map<std::int64_t, std::string>;
std::string done_list_name(std::string_view source);
std::string to_text(const DoneItems& items);
DoneItems parse_done_items(std::string_view text);  // as far as it can be read

// The attribute in which a directory source names the version of the file, where a run asks for it.
inline constexpr const char* kFileVersionAttribute = "source_file_version";
// The variables by which `ride run` asks its workers to keep the log, and its producers to note versions and to leave
// out what is done: the topology's recipe, and the folder with a list for each source.
inline constexpr const char* kRecipeVariable = "RIDE_RUN_RECIPE";
inline constexpr const char* kDoneVariable = "RIDE_RUN_DONE";

inline constexpr std::size_t kLongestVersion = 128;
inline constexpr std::size_t kLongestWrittenLine = std::size_t{64} * 1024;  // longer ones are none of ours

}  // namespace ride
