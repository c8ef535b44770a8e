// Half of libFuzzer's mutations are ours.
#include <cstdint>
#include <cstring>
#include <string>

#include "tests/fuzz/mutate.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  ride::fuzz::Random random(seed);
  const auto text = ride::fuzz::mutate({reinterpret_cast<const char*>(data), size}, most, random);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}
