// A file descriptor that closes itself, and a pipe of two. Threads: one at a time. Failure: resource_exhausted when
// there is none.
#pragma once

#include <utility>

#include "common/result.h"

namespace ride::process {

// Closes what it holds. Owner: the object.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { close(); }

  int get() const { return number_; }
  bool ok() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  void close();

 private:
  int number_;
};

struct Pipe {
  Descriptor read_end, write_end;
};
Result<Pipe> make_pipe();  // both ends are closed at exec()

}  // namespace ride::process
