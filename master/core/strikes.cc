// Poison frames (decision 0007). An exit that an agent saw, of a child whose crash note names a frame, is a strike
// against it. What says nothing about the frame is none: a stop that its agent ordered, an end that the worker itself
// had to make (it was declared lost), and a SIGKILL from outside (a task cannot send itself that one). Losses that
// nobody saw come without names. The second strike with that frame alone quarantines it. The same holds for what a
// producer was reading: then the name of the source stands in the place of the stage's.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <tuple>

#include "master/core/steps.h"

namespace ride::master {

namespace {

constexpr std::size_t kStrikesToDie = 2;
// Never alone: one thread was inside process() while another read a record, each time. Rather one of them is dead that
// is not to blame (its copy lies in the dead topic) than workers end for ever.
constexpr std::size_t kStrikesToDieInCompany = 4;

std::string how(const stream::ChildExit& exit) {
  switch (exit.cause) {
    case stream::ExitCause::hang:
      return "it hung";
    case stream::ExitCause::memory:
      return "it ran out of memory";
    case stream::ExitCause::itself:
    case stream::ExitCause::outside:
      break;
  }
  return exit.signal != 0 ? fmt::format("signal {}", exit.signal) : fmt::format("exit code {}", exit.exit_code);
}

bool is_strike(const stream::ChildExit& exit) {
  return !exit.ordered && !exit.orderly && exit.cause != stream::ExitCause::outside;
}

// A record that is read may be the one whose frame is inside process() already: then it is alone, and named once.
std::vector<stream::NamedFrame> each_place_once(const std::vector<stream::NamedFrame>& frames) {
  std::vector<stream::NamedFrame> places;
  const auto key = [](const auto& f) { return std::tie(f.job, f.run, f.stage, f.partition, f.offset); };
  for (const auto& frame : frames)
    if (std::none_of(places.begin(), places.end(), [&](const auto& one) { return key(one) == key(frame); }))
      places.push_back(frame);
  return places;
}

// "signal 11 on w1#a, it hung on w2#b"
std::string all_of(const StruckFrame* before, const std::string& last) {
  std::string text;
  if (before != nullptr)
    for (const auto& cause : before->causes) text += cause + ", ";
  return text + last;
}

void strike(Draft& draft, const stream::ChildExit& exit, const stream::NamedFrame& frame, bool alone) {
  const auto* job = draft.hard().find(frame.job, frame.run);
  const auto* strikes = job == nullptr || is_over(job->phase) ? nullptr : strikes_of(*job, frame.stage);
  if (strikes == nullptr) return;
  const auto stage = job->stages.find(frame.stage);
  if (stage != job->stages.end() && frame.partition.value >= static_cast<int>(stage->second->partitions.size()))
    return;  // whoever said so made it up
  const auto found = strikes->find({frame.partition, frame.offset});
  const StruckFrame* before = found == strikes->end() ? nullptr : &found->second;
  if (before != nullptr &&
      std::find(before->workers.begin(), before->workers.end(), exit.child) != before->workers.end())
    return;  // reported twice
  if (before != nullptr && (before->quarantined || before->workers.size() >= kMostStrikesOfFrame)) return;
  const auto count = (before == nullptr ? 0 : before->workers.size()) + 1;
  const bool condemned = count >= (alone ? kStrikesToDie : kStrikesToDieInCompany);
  const auto last = fmt::format("{} on {}", how(exit), exit.child.value);
  draft.decide(stream::Strike{.job = frame.job,
                              .run = frame.run,
                              .stage = frame.stage,
                              .partition = frame.partition,
                              .offset = frame.offset,
                              .frame = frame.frame,
                              .worker = exit.child,
                              .cause = condemned ? all_of(before, last) : last,
                              .count = static_cast<int>(count),
                              .condemned = condemned,
                              .at = draft.now()});
}

}  // namespace

void settle_strikes(Draft& draft, Due& due) {
  for (const auto& exit : due.exits) {
    if (!is_strike(exit)) continue;
    const auto frames = each_place_once(exit.frames);
    for (const auto& frame : frames) strike(draft, exit, frame, frames.size() == 1);
  }
}

}  // namespace ride::master
