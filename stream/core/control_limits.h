// What a record of the control topics may hold. Whoever can write to these topics can write anything into them, so each
// number, text and list has a stated range, and a record outside of it is refused as a whole by every reader alike. No
// honest process comes near a limit; sums of as many numbers as a record may hold fit into 64 bits. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "stream/control.h"
#include "stream/core/snapshot.h"

namespace ride::stream {

// Epochs, runs and sessions rise by one; a decision may let them rise by so much at most, so that no record uses them
// up.
inline constexpr std::int64_t kMostNumber = std::int64_t{1} << 53;
inline constexpr std::int64_t kMostRise = 1'000;
inline constexpr std::int64_t kMostRunRise = 1'000'000;  // of a log that was lost, names of topics show the last run
// What a reader takes as given, because nothing stands before it: from there on there is space to rise.
inline constexpr std::int64_t kMostAtBegin = kMostNumber / 2;

inline constexpr std::int64_t kMostFrames = std::int64_t{1} << 43;  // offsets, and counters of frames
inline constexpr std::int64_t kMostTotal = kMostNumber;             // frames of a whole job
inline constexpr int kMostPartitions = 16'384;                      // of a topic; a topology file may ask for 4,096
inline constexpr std::int64_t kMostPartitionsOfJob = 100'000;
inline constexpr std::size_t kMostStages = 4'000, kMostSourcesOfJob = 2'000;  // as in a topology file, sinks counted
inline constexpr std::size_t kMostJobs = 2'000;                               // that are not over
inline constexpr std::size_t kMostJobNames = 100'000;                         // ever used
inline constexpr std::size_t kMostChildren = 2'048;                           // that an agent lists
inline constexpr std::size_t kMostName = 256;                                 // bytes of a name or an id
inline constexpr std::size_t kMostText = 4'096;  // of a text for people; longer ones are cut off
inline constexpr std::size_t kMostDecisionBytes = 16 << 20, kMostReportBytes = 8 << 20;  // of a record
inline constexpr std::size_t kMostSnapshotBytes = 64 << 20;                              // of all parts together

// The first thing that is wrong, in words; nothing: all is within its range.
std::optional<std::string> find_fault(const JobSpec& spec);
std::optional<std::string> find_fault(const Decision& decision);
std::optional<std::string> find_fault(const Report& report);
std::optional<std::string> find_fault(const Snapshot& snapshot);

// Before a record is parsed: brackets within brackets, of which each costs memory and time. Only a look at the bytes.
bool is_too_deep(std::string_view text);
// Before a record's numbers are converted: one that does not fit its type, or a whole number with a fraction.
std::optional<std::string> find_misfit(const nlohmann::json& record);

// Of a child that wrote into its crash note at random: what no report may hold is left out, so that its end is still
// reported.
void drop_impossible_frames(ChildExit& exit);

// Texts for people are cut to kMostText bytes.
void cut(std::string& text);
void cut_texts(Decision& decision);
void cut_texts(Report& report);

}  // namespace ride::stream
