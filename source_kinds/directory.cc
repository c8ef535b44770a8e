// A folder of pictures, one frame a file.
#include "source_kinds/source_decl.h"

namespace ride {

SourceDecl declare_directory() {
  return {
      .name = "directory",
      .what = {.name = "directory",
               .type = KeyType::uri,
               .doc = "A folder of pictures, read once in order of their names; broken files are skipped and reported.",
               .example = "pictures"},
      .keys = {{.name = "glob",
                .type = KeyType::text,
                .doc = "Directory: which file names are taken.",
                .default_text = "\"*\", of the known picture types",
                .example = "\"*.jpg\"",
                .default_value = std::string("*")},
               {.name = "recursive",
                .type = KeyType::boolean,
                .doc = "Directory: folders within it as well; one that cannot be read is counted as rejected, and the "
                       "others are read.",
                .example = "true",
                .default_value = false}},
      .finite = [](const ParamValues&) { return true; },
      .finite_text = "a directory",
      .numbering = Numbering::by_manifest,
      .codec_text = "picture files keep their bytes, others raw",
      .input = SourceInput::picture_folder,
      .frames_have_files = true};
}

}  // namespace ride
