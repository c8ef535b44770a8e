// nlohmann::json, whose members are compiled once, in json.cc, instead of in every source that uses them: a fifth of
// the time of a source that reads or writes JSON (decision 0041). Include this, not <nlohmann/json.hpp>.
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::detail::serializer<nlohmann::json>;
