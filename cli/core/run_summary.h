// How a run went: the last words of `ride up` and `ride run`, and whether all went well. Pure: the master's last view
// of the job, what the topology allows, and which files were written.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/core/table.h"

namespace ride::cli {

struct WrittenFiles {
  std::string sink;
  std::string folder;       // absolute
  std::int64_t count = 0;   // written in this run
  std::string first, last;  // names within the folder, in order of names
  std::int64_t anew = 0;    // of `count`: were there before
  bool appends = false;     // what was there stays, and more comes behind it
};

struct RunFacts {
  double seconds = 0;                 // that it ran
  std::vector<std::string> may_drop;  // sources and stages whose file says that late frames are dropped
  // Who writes into a stage: an outcome travels on in the frame's place, and each later stage counts it, too.
  std::map<std::string, std::vector<std::string>> upstreams;
  std::vector<WrittenFiles> files;
  std::optional<std::int64_t> done_before;  // pictures that a resumed run left out, since they were done
  std::optional<std::int64_t> done_now;     // ... and those that were done then: their files are there
  std::vector<std::string> left_out;        // broken pictures with their causes, told at the end
  std::vector<std::string> problems;        // errors and warnings that were reported, in order
  bool problems_were_shown = false;         // as they came: the text does not repeat them
  std::string log_folder;                   // empty: it is gone
};

struct RunVerdict {
  bool good = false;
  std::vector<std::string> reasons;  // why not
};

// Good: the phase is completed and no frame is dead, expired or dropped where the file does not allow it.
// `ended_on_purpose`: the person stopped it, so it need not have completed.
RunVerdict judge(const nlohmann::json& job, const RunFacts& facts, bool ended_on_purpose);

// Every source and stage has reported its last counts: the last sink may have reported its end before others did.
bool all_have_ended(const nlohmann::json& job);

// "film.avi cannot be opened (node n1)" without the node: the master adds it where a report fails the job.
std::string without_node(const std::string& text);

// "problem: stage 'people': 1 dead frame", a line for each reason. What a line of `shown` shows already is not
// repeated.
std::string render_reasons(const RunVerdict& verdict, const Style& style, const std::vector<std::string>& shown = {});
std::string render_summary(const nlohmann::json& job, const RunFacts& facts, const RunVerdict& verdict,
                           const Style& style);
nlohmann::ordered_json summary_to_json(const nlohmann::json& job, const RunFacts& facts, const RunVerdict& verdict);

}  // namespace ride::cli
