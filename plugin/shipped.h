// A plug-in that a job brings (decision 0049): loaded from memory that nobody can change any more, once its bytes are
// found to be those that the job names. Before that a child loads it, so that a crash or a hang at loading is an error
// here. Threads: any. Failure: an Error names the plug-in; corrupt: other bytes. A process keeps what it has loaded,
// and takes no second one: two that were built alike could mix up what they hold.
#pragma once

#include <string>

#include "plugin/describe.h"
#include "plugin/library.h"

namespace ride::plugin {

// `file`: a descriptor to read it from, which may change meanwhile. cancelled, retriable: this process has another one.
Result<const Library*> load_shipped(int file, const std::string& name, const std::string& sha256,
                                    const DescribeOptions& options = {});

// Of the one that this process has loaded; empty: none.
std::string loaded_shipped();

}  // namespace ride::plugin
