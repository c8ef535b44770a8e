// The files that a path template may stand for: a sink's "out/{source}/{seq:06}.jpg" matches out/gate/000017.jpg and
// not out/notes.txt. The syntax is that of worker/tasks/path_template.h, whose own parser reads it. {job} and {stage}
// are the sink's own, numbers match digits, {file} and {file_stem} a path no part of which begins with '.', any other
// field a text without '/' that does not begin with '.'. Pure values.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ride::cli {

class PathPattern {
 public:
  // One part of a path, between slashes; a part with {file} is `deep`: it matches paths of any depth, and is the last
  // one.
  class Part {
   public:
    explicit Part(const std::string& marked);
    bool open() const { return pieces_.size() != 1 || pieces_.front().kind != Kind::literal; }  // holds a field
    const std::string& text() const { return pieces_.front().text; }  // of one that is not open
    bool deep() const;
    bool matches(const std::string& name) const;

   private:
    enum class Kind { literal, digits, any, path };
    struct Piece {
      Kind kind = Kind::literal;
      std::string text;
    };
    bool matches_from(std::size_t piece, const std::string& name, std::size_t at) const;
    std::vector<Piece> pieces_;
  };

  // Nothing: it is no template.
  static std::optional<PathPattern> of(const std::string& path_template, const std::string& job,
                                       const std::string& stage);

  bool absolute() const { return absolute_; }
  const std::vector<Part>& parts() const { return parts_; }  // at least one

 private:
  bool absolute_ = false;
  std::vector<Part> parts_;
};

}  // namespace ride::cli
