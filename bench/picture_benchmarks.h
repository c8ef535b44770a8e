// The benchmarks of work on pictures of a folder and by their size, beside those of bench/benchmarks.h.
#pragma once

#include "bench/benchmarks.h"

namespace ride::bench {

Result<Figures> run_batch(const Options& options);
Result<Figures> run_stripes(const Options& options);
Result<Figures> run_figures(const Options& options);
Result<Figures> run_large(const Options& options);
Result<Figures> run_python(const Options& options);

}  // namespace ride::bench
