// Which files the pictures of a topology's folders become: for each source the sinks that its pictures lead to, and the
// name that a picture gets there. The names are pure; whether two pictures get one name is looked up in the folders.
// Threads: any.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "topology/topology.h"
#include "worker/tasks/path_template.h"

namespace ride::cli {

// The stage is a sink that writes a file for each picture, named by this template; empty: it is none.
std::string picture_template(const topology::Stage& stage);

// One file that a picture of some source leads to.
struct PictureFile {
  std::string sink, from;
  std::optional<tasks::PathTemplate> path;                       // nothing: it is no template
  bool by_number() const { return !path || path->uses("seq"); }  // the number stands in its name
  // It also depends on what is chosen when a run begins.
  bool by_run() const { return !path || path->uses("run") || path->uses("session"); }
};
// By source. A picture need not lead to all of them: a task may choose.
std::map<std::string, std::vector<PictureFile>> picture_files(const topology::Topology& topology);

// What that picture's file is called: in the first session of a first run, where that is in its name.
std::string name_of(const PictureFile& file, const std::string& job, const std::string& source,
                    const std::string& picture, std::int64_t number);

// The pictures of a folder, as its source lists them. Error: it cannot be listed, or its name has a variable that is
// not set.
struct ListedPictures {
  std::string folder;
  std::vector<std::string> names;  // relative, in the order of their numbers
};
Result<ListedPictures> list_pictures_of(const topology::Source& source);

// invalid_argument: two pictures would be written to one file, so that one of them is lost, and which one is chance.
// Names both and what to do. Sources that are not folders of this machine are left out.
Result<void> check_picture_names(const topology::Topology& topology);

}  // namespace ride::cli
