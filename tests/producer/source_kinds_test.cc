// What holds for every kind of source: its declaration and its maker are there, and say the same.
#include <gmock/gmock.h>

#include "make_request.h"
#include "source_kinds/source_decl.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;

TEST(SourceKinds, EachDeclarationHasItsMakerAndEachMakerItsDeclaration) {
  std::vector<std::string> made;
  for (const SourceMaker& maker : source_makers()) made.push_back(maker.kind);
  EXPECT_EQ(made, source_kind_names());
  EXPECT_GE(made.size(), 5u);
}

TEST(SourceKinds, AMakerMakesWhatItsDeclarationSays) {
  MakeRequest request;
  for (const SourceDecl& kind : source_kinds()) {
    const bool camera = kind.what.type == KeyType::camera;
    const auto source = request.make({.name = "src", .kind = kind.name, .uri = camera ? "987" : "example"});
    ASSERT_TRUE(source.ok()) << kind.name << ": " << source.error().message;
    const auto state = (*source)->state();
    EXPECT_EQ(state.live, kind.live) << kind.name;
    if (kind.fps && state.own_fps > 0) {
      EXPECT_EQ(state.own_fps, *kind.fps) << kind.name;
    }
    const auto params = with_defaults(kind, {});
    const bool finite = kind.finite != nullptr && kind.finite(params);
    EXPECT_TRUE(finite || state.total == -1) << kind.name << " is endless by default";
  }
}

// Of an older or newer version, or forged: what is missing or of another type has its declared default.
TEST(SourceKinds, AForeignPlansParametersAreNoSurprise) {
  MakeRequest request;
  for (const SourceDecl& kind : source_kinds()) {
    ParamValues params = {{"unheard_of", true}};
    for (const KeySpec& key : kind.keys) {
      const bool text = key.default_value && type_of(*key.default_value) == ParamType::string;
      params[key.param_name()] = text ? ParamValue(1.5) : ParamValue(std::string("x"));
    }
    const auto source = request.make({.name = "src", .kind = kind.name, .uri = "987", .params = params});
    EXPECT_TRUE(source.ok()) << kind.name << ": " << source.error().message;
  }
}

TEST(SourceKinds, AKindOfAnotherVersionIsRefused) {
  MakeRequest request;
  const auto source = request.make({.name = "src", .kind = "hologram", .uri = "x"});
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, ErrorCode::unsupported);
  EXPECT_THAT(source.error().message, HasSubstr("kind 'hologram', which this ride-producer does not know"));
}

}  // namespace
}  // namespace ride::producer
