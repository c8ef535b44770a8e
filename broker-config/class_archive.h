// Class-data archive (AppCDS): Kafka's classes as the virtual machine has them in memory, mapped instead of parsed. It
// is recorded by the first broker that runs and ends cleanly, and brings later starts from about 3 s to about 1.2 s. It
// only ever saves time: without it, or where it does not fit, the broker starts as usual. Threads: one at a time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "broker-config/java.h"
#include "broker-config/kafka_libs.h"

namespace ride::broker {

class ClassArchive {
 public:
  // Looks beside the jars, else in the user's cache folder. The name depends on Java and jars: another version, another
  // archive.
  ClassArchive(const Java& java, const KafkaLibs& libs);

  bool recorded() const { return recorded_; }
  // For the Java command line: use it, or record it when the program ends.
  std::vector<std::string> flags() const;
  // After the program has ended: cleanly, which puts its recording in place, or not.
  void finish();
  void discard();

 private:
  std::filesystem::path file_;       // empty: no folder to write to
  std::filesystem::path recording_;  // of this process
  bool recorded_ = false;
};

}  // namespace ride::broker
