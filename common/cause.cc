#include "common/cause.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace ride {

std::string cause_of(const std::exception& thrown) {
  std::string text = thrown.what() == nullptr ? "" : thrown.what();
  if (text.find_first_not_of(" \t\r\n") != std::string::npos) return text;
  int failed = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(typeid(thrown).name(), nullptr, nullptr, &failed), std::free);
  return std::string("an exception of type ") + (name && failed == 0 ? name.get() : typeid(thrown).name()) +
         " that does not say why";
}

}  // namespace ride
