#!/bin/sh
# The libraries of */core hold rules only: values in, values out. None of them asks for a thread, a lock, a clock, a file, a socket,
# the environment, true randomness, the log or Kafka. purity.sh LIBRARY.a…
set -eu
not_pure='^ *U (pthread_(mutex|cond|create|rwlock)|open|openat|fopen|read|write|socket|connect|poll|epoll|getenv|fork|kill|getpid|nanosleep|clock_gettime|gettimeofday|time|rand|random|getrandom)[A-Za-z_0-9]*(@|$)'
not_pure_cxx='U (std::chrono::_V2::(system|steady)_clock::now|std::random_device|std::filesystem|std::basic_[io]?fstream|std::thread|std::condition_variable|spdlog::|ride::log_line|rd_kafka|YAML::|httplib::|cv::VideoCapture|cv::imread|cv::imwrite)'
found=0
for library in "$@"; do
  [ -s "$library" ] || { echo "$library is not there" >&2; exit 2; }
  if nm -u "$library" 2>/dev/null | grep -E "$not_pure" || nm -C -u "$library" 2>/dev/null | grep -E "$not_pure_cxx"; then
    echo "$library is not pure: it uses what stands above. Give it as an argument, or move the code out of core/" >&2
    found=1
  fi
done
exit "$found"
