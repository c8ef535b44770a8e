// The Java command lines of broker and storage tool. Pure, except for the class archive's flags, which are given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker-config/kafka_libs.h"

namespace ride::broker {

struct JavaCommand {
  std::string program;
  std::string class_path;
  std::vector<std::string> archive_flags;
  std::int64_t heap_bytes = 0;
  bool quick_start = false, short_lived = false;
};

std::string class_path_of(const KafkaLibs& libs);
// 1 GiB, or space for 16 of the largest messages; a quick start gets half.
std::int64_t default_heap_bytes(std::int64_t max_message_bytes, bool quick_start);

std::vector<std::string> broker_command(const JavaCommand& command, const std::string& settings_file);
// `arguments_file`: more arguments, one a line, which thus show in no list of processes; empty: none.
std::vector<std::string> format_command(const JavaCommand& command, const std::string& cluster_id,
                                        const std::string& settings_file, const std::string& arguments_file = {});

}  // namespace ride::broker
