#!/bin/sh
# The libraries of */core hold rules only: values in, values out. None of them asks for a thread, a lock, a clock, a file, a socket,
# the environment, true randomness, the log or Kafka, nor for what asks for it on its behalf. purity.sh LIBRARY.a…
set -eu
system='^ *U (pthread_(mutex|cond|create|rwlock)|open|openat|fopen|fwrite|read|write|stat|lstat|opendir|mkdir|unlink|rename|socket|connect|poll|epoll|getenv|fork|kill|getpid|sleep|usleep|nanosleep|clock_gettime|gettimeofday|time|rand|random|getrandom)[A-Za-z_0-9]*(@|$)'
named='U (std::(chrono::_V2::(system|steady)_clock::now|random_device|filesystem|basic_[io]?fstream|thread|condition_variable|cout|cerr|cin)|spdlog::|rd_kafka|YAML::|httplib::|cv::(VideoCapture|VideoWriter|imread|imwrite)|ride::(log_line|system_now|process_environment|process::))'
found=0
for library in "$@"; do
  [ -s "$library" ] || { echo "$library is not there" >&2; exit 2; }
  symbols=$(nm -u "$library")
  readable=$(nm -C -u "$library")
  if echo "$symbols" | grep -E "$system" || echo "$readable" | grep -E "$named"; then
    echo "$library is not pure: it uses what is above. Give it as an argument, or move the code out of core/" >&2
    found=1
  fi
done
exit "$found"
