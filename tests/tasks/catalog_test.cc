#include <gtest/gtest.h>

#include "common/json.h"
#include "tests/tasks/harness.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::tasks {
namespace {

TEST(Catalog, HoldsTheTasksThatTopologiesUse) {
  for (const char* name :
       {"canny", "delay", "detect_people", "discard", "draw_detections", "features", "gaussian_blur", "grayscale",
        "identity", "motion", "print", "resize", "stddev_filter", "surf", "write_images", "write_video"})
    EXPECT_NE(builtin_tasks().find(name), nullptr) << name;
}

// Both are made from the same files, compiled twice.
TEST(Catalog, WhatMastersCheckTopologiesAgainstIsWhatWorkersRun) {
  const auto& declared = builtin_catalog().all();
  const auto& run = builtin_tasks().catalog().all();
  ASSERT_EQ(builtin_catalog().names(), builtin_tasks().catalog().names());
  for (std::size_t i = 0; i < run.size(); ++i) {
    EXPECT_EQ(params_schema(declared[i].params), params_schema(run[i].params)) << run[i].name;
    EXPECT_EQ(declared[i].outputs, run[i].outputs) << run[i].name;
    EXPECT_EQ(declared[i].rule == nullptr, run[i].rule == nullptr) << run[i].name;
    EXPECT_EQ(declared[i].files.fields, run[i].files.fields) << run[i].name;
  }
}

TEST(Catalog, EachDeclarationHasAnImplementationThatOpensWithItsDefaults) {
  for (const TaskDecl& declaration : builtin_tasks().catalog().all()) {
    ParamValues needed;
    if (declaration.name == "resize") needed["scale"] = 1.0;
    builtin_tasks().find(declaration.name)->make()->close();  // close follows also where open never succeeded
    if (!check_task_params(declaration, needed)) continue;    // it needs parameters: its own test opens it
    EXPECT_TRUE(try_open(declaration.name, needed)) << declaration.name;
  }
  EXPECT_EQ(builtin_tasks().find("blurr"), nullptr);
}

TEST(Catalog, EachParameterIsDocumentedAndItsDefaultIsAllowed) {
  for (const TaskDecl& task : builtin_tasks().catalog().all()) {
    EXPECT_FALSE(task.doc.empty()) << task.name;
    EXPECT_EQ(task.outputs.empty(), task.sink) << task.name;
    for (const ParamSpec& param : task.params) {
      EXPECT_FALSE(param.doc.empty()) << task.name << "." << param.name;
      EXPECT_EQ(param.rule == nullptr, param.rule_doc.empty()) << task.name << "." << param.name;
      if (!param.default_value) continue;
      const auto checked = check_param(param, *param.default_value);
      ASSERT_TRUE(checked) << task.name << ": " << checked.error().message;
      EXPECT_EQ(type_of(*param.default_value), param.type) << task.name << "." << param.name;
    }
  }
}

TEST(Catalog, RulesSayWhatIsWrong) {
  EXPECT_EQ(problem("gaussian_blur", {{"ksize", std::int64_t{4}}}),
            "parameter 'ksize' is 4, but an odd number is needed, so that the window has a middle");
  EXPECT_NE(problem("gaussian_blur", {{"ksize", std::int64_t{203}}}).find("from 1 to 201"), std::string::npos);
  EXPECT_EQ(problem("gaussian_blur", {{"ksize", std::int64_t{61}}}), "");
  EXPECT_NE(problem("canny", {{"low", 200.0}}).find("'low' is above 'high'"), std::string::npos);
  EXPECT_NE(problem("canny", {{"aperture", std::int64_t{4}}}).find("3, 5 or 7"), std::string::npos);
  EXPECT_NE(problem("resize", {}).find("no size is given"), std::string::npos);
  EXPECT_NE(problem("resize", {{"width", std::int64_t{4}}, {"scale", 2.0}}).find("keep one"), std::string::npos);
  EXPECT_NE(problem("draw_detections", {{"color", std::string("green")}}).find("#rrggbb"), std::string::npos);
  EXPECT_NE(problem("detect_people", {{"stride", std::int64_t{12}}}).find("multiple of 8"), std::string::npos);
  EXPECT_NE(problem("write_images", {{"path", std::string("out/{seqq}.jpg")}}).find("did you mean '{seq}'?"),
            std::string::npos);
  EXPECT_NE(problem("write_images", {{"path", std::string("out/{seq}.gif")}}).find(".jpg"), std::string::npos);
  EXPECT_NE(problem("write_images", {{"path", std::string("out/latest.jpg")}}).find("{seq}"), std::string::npos);
  EXPECT_NE(problem("write_video", {{"path", std::string("out/{segment}.mp4")}}).find(".avi"), std::string::npos);
  EXPECT_NE(problem("write_video", {{"fps", 0.0}}).find("above 0"), std::string::npos);
}

TEST(Catalog, HaloIsWhatAPixelOfTheOutputDependsOn) {
  const auto halo = [](const std::string& task, const ParamValues& params) {
    return builtin_tasks().catalog().find(task)->halo(env_for(task, params).params);
  };
  EXPECT_EQ(halo("identity", {}), 0);
  EXPECT_EQ(halo("gaussian_blur", {{"ksize", std::int64_t{61}}}), 30);
  EXPECT_EQ(halo("stddev_filter", {}), 3);
  EXPECT_EQ(builtin_tasks().catalog().find("canny")->halo, nullptr);
  EXPECT_EQ(builtin_tasks().catalog().find("detect_people")->halo, nullptr);
}

}  // namespace
}  // namespace ride::tasks
