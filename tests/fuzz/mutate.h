// Mutations of a text that keep most of its form: numbers become other numbers, words become other words of the text,
// lines move. Blind mutations of bytes rarely get past a parser. Used by libFuzzer (custom_mutator.cc) and by
// driver.cc. Pure.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace ride::fuzz {

using Random = std::mt19937_64;

std::string mutate(std::string text, std::size_t most_bytes, Random& random);

}  // namespace ride::fuzz
