// ride topic: creates topics of others, for jobs that read or write them.
#pragma once

namespace ride::cli {

class Program;
void add_topic_command(Program& program);

}  // namespace ride::cli
