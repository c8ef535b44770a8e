// What a benchmark found: named figures in a fixed order, as a table and as JSON; parts of it may be objects of their
// own. Values; no threads.
#pragma once

#include <string>
#include <vector>

#include "common/json.h"

namespace ride::bench {

using Figures = nlohmann::ordered_json;  // an object of name -> number, text or such an object

// The value below which the given share lies (nearest rank). `values` may be empty: 0.
double percentile(std::vector<double> values, double share);
double median(const std::vector<double>& values);

std::string as_table(const Figures& figures);

}  // namespace ride::bench
