// What a group asks of a worker, and whether one has it. Pure.
#pragma once

#include <string>

#include "stream/control.h"

namespace ride::master {

bool has_gpu(const stream::Heartbeat& offer);
bool fits(const stream::Heartbeat& offer, const stream::GroupSpec& group);
int demands(const stream::GroupSpec& group);        // how choosy it is
std::string needs(const stream::GroupSpec& group);  // ", with a GPU, with 2 cores"; empty: anybody will do

}  // namespace ride::master
