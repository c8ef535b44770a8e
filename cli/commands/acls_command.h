// ride acls: prints or sets up what each user of a Kafka cluster must be allowed.
#pragma once

namespace ride::cli {

class Program;
void add_acls_command(Program& program);

}  // namespace ride::cli
