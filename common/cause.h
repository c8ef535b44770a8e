// What an exception says, and never nothing: a library may throw one without a text, and a message that ends in ": "
// helps nobody. Pure.
#pragma once

#include <exception>
#include <string>

namespace ride {

// Its text; of one without, its type.
std::string cause_of(const std::exception& thrown);

}  // namespace ride
