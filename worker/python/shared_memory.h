// SharedMemory: pictures that this process and a child map. It has no name, so nothing of it stays behind, and its size
// is sealed: whoever has it can make no access of ours fail. Owner: the object. Threads: one. Failure:
// resource_exhausted where the system has no such memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/result.h"
#include "process/descriptor.h"

namespace ride::python {

class SharedMemory {
 public:
  enum class Writer { us, them };
  // All pages are there when it returns.
  static Result<SharedMemory> make(std::int64_t bytes, Writer writer);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory();

  std::uint8_t* data() const { return data_; }  // writable where we are the writer
  std::int64_t bytes() const { return bytes_; }
  int descriptor() const { return descriptor_.get(); }  // for the child: it cannot write where we are the writer

 private:
  SharedMemory(process::Descriptor descriptor, std::uint8_t* data, std::int64_t bytes)
      : descriptor_(std::move(descriptor)), data_(data), bytes_(bytes) {}

  process::Descriptor descriptor_;
  std::uint8_t* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

}  // namespace ride::python
