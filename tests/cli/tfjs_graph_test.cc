// Models of TensorFlow.js as frozen graphs: the bytes by the format's own examples, and what OpenCV computes of a small
// graph by hand.
#include "cli/models/tfjs_graph.h"

#include <gtest/gtest.h>

#include <opencv2/dnn.hpp>

#include "cli/models/proto_writer.h"
#include "common/json.h"

namespace ride::models {
namespace {

using Json = nlohmann::json;

TEST(ProtoWriter, WritesTheExamplesOfTheFormatsDescription) {
  EXPECT_EQ(ProtoWriter().number(1, 150).text(), "\x08\x96\x01");
  EXPECT_EQ(ProtoWriter().bytes(2, "testing").text(), "\x12\x07testing");
  EXPECT_EQ(ProtoWriter().message(3, ProtoWriter().number(1, 150)).text(), "\x1a\x03\x08\x96\x01");
  EXPECT_EQ(ProtoWriter().number(1, -2).text(), "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  EXPECT_EQ(ProtoWriter().real(4, 1.0F).text(), std::string("\x25\0\0\x80\x3f", 5));
}

Json attr_text(const char* base64) { return {{"s", base64}}; }

// x (1x2x2x3) -> a fused convolution of 1x1 with bias and Relu to 2 channels (y) -> y beside itself (z).
Json small_graph() {
  const Json type = {{"type", "DT_FLOAT"}};
  const Json ones = {{"list", {{"i", {"1", "1", "1", "1"}}}}};
  const Json conv = {{"strides", ones},
                     {"padding", attr_text("VkFMSUQ=")},  // VALID
                     {"dilations", ones},
                     {"data_format", attr_text("TkhXQw==")},  // NHWC
                     {"T", type},
                     {"num_args", {{"i", "1"}}},
                     {"epsilon", {{"f", 0}}},
                     {"fused_ops", {{"list", {{"s", {"Qmlhc0FkZA==", "UmVsdQ=="}}}}}}};  // BiasAdd, Relu
  const Json shape = {{"shape", {{"dim", {{{"size", "1"}}, {{"size", "2"}}, {{"size", "2"}}, {{"size", "3"}}}}}}};
  const Json concat = {{"N", {{"i", "2"}}}, {"T", type}, {"Tidx", {{"type", "DT_INT32"}}}};
  const Json constant = Json::object();
  return {{"modelTopology",
           {{"node",
             {{{"name", "x"}, {"op", "Placeholder"}, {"attr", {{"dtype", type}, {"shape", shape}}}},
              {{"name", "kernel"}, {"op", "Const"}, {"attr", constant}},
              {{"name", "bias"}, {"op", "Const"}, {"attr", constant}},
              {{"name", "axis"}, {"op", "Const"}, {"attr", constant}},
              {{"name", "unused"}, {"op", "Nonsense"}},
              {{"name", "y"}, {"op", "_FusedConv2D"}, {"input", {"x", "kernel", "bias"}}, {"attr", conv}},
              {{"name", "z"}, {"op", "ConcatV2"}, {"input", {"y", "y:0", "axis"}}, {"attr", concat}}}}}},
          {"weightsManifest",
           {{{"weights",
              {{{"name", "kernel"},
                {"dtype", "float32"},
                {"shape", {1, 1, 3, 2}},
                {"quantization", {{"dtype", "float16"}}}},
               {{"name", "bias"}, {"dtype", "float32"}, {"shape", {2}}},
               {{"name", "axis"}, {"dtype", "int32"}, {"shape", Json::array()}}}}}}}};
}

// Halves 1, 65504; -2, 2^-24 (no smaller one is there); 1365/4096, 2^-14; bias 0.5, -1; axis 3.
std::string small_weights() {
  return std::string("\x00\x3c\xff\x7b\x00\xc0\x01\x00\x55\x35\x00\x04", 12) +
         std::string("\0\0\0\x3f\0\0\x80\xbf", 8) + std::string("\3\0\0\0", 4);
}

TEST(FrozenGraph, IsWhatOpenCvComputesAsTheFusedGraphSays) {
  const auto graph = frozen_graph(small_graph().dump(), small_weights(), {"z"});
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  auto net = cv::dnn::readNetFromTensorflow(std::vector<uchar>(graph->begin(), graph->end()));
  ASSERT_FALSE(net.empty());
  const float pixels[4][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 4096}, {2, 0.25F, 16777216}};
  cv::Mat in(std::vector<int>{1, 3, 2, 2}, CV_32F);
  for (int p = 0; p < 4; ++p)
    for (int c = 0; c < 3; ++c) in.ptr<float>()[c * 4 + p] = pixels[p][c];
  net.setInput(in);
  const cv::Mat out = net.forward("z");
  ASSERT_EQ(out.total(), 16U);
  const double kernel[3][2] = {{1, 65504}, {-2, std::ldexp(1.0, -24)}, {1365 / 4096.0, std::ldexp(1.0, -14)}};
  const double bias[2] = {0.5, -1};
  for (int c = 0; c < 4; ++c) {
    for (int p = 0; p < 4; ++p) {
      double sum = bias[c % 2];
      for (int k = 0; k < 3; ++k) sum += pixels[p][k] * kernel[k][c % 2];
      EXPECT_NEAR(out.ptr<float>()[c * 4 + p], std::max(0.0, sum), 1e-6 * std::abs(sum)) << c << " " << p;
    }
  }
}

TEST(FrozenGraph, IsTheSameEachTimeAndHasOnlyWhatTheOutputsNeed) {
  const auto graph = frozen_graph(small_graph().dump(), small_weights(), {"z"}).value();
  EXPECT_EQ(graph, frozen_graph(small_graph().dump(), small_weights(), {"z"}).value());
  EXPECT_EQ(graph.find("Nonsense"), graph.npos);
  EXPECT_EQ(frozen_graph(small_graph().dump(), small_weights(), {"y"}).value().find("axis"), graph.npos);
}

TEST(FrozenGraph, WhatIsDamagedOrUnknownIsNamed) {
  const auto error = [](const Json& model, const std::string& weights, const std::string& output = "z") {
    const auto graph = frozen_graph(model.dump(), weights, {output});
    EXPECT_FALSE(graph.ok());
    return graph.ok() ? "" : graph.error().message;
  };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != text.npos; };
  const std::string weights = small_weights();
  EXPECT_TRUE(has(error(small_graph(), weights.substr(1)), "the weights end before those of 'axis'"));
  EXPECT_TRUE(has(error(small_graph(), weights + "x"), "1 bytes are left"));
  EXPECT_TRUE(has(error(small_graph(), weights, "nowhere"), "there is no node 'nowhere'"));
  EXPECT_FALSE(frozen_graph("{", weights, {"z"}).ok());
  EXPECT_FALSE(frozen_graph("[]", weights, {"z"}).ok());
  EXPECT_FALSE(frozen_graph("{}", weights, {"z"}).ok());
  const auto changed = [&](const char* place, const Json& value) {
    Json model = small_graph();
    model[Json::json_pointer(place)] = value;
    return model;
  };
  const char* shape = "/weightsManifest/0/weights/0/shape";
  EXPECT_TRUE(has(error(changed(shape, {1 << 30, 1 << 30, 1 << 30}), weights), "the shape of weight 'kernel'"));
  EXPECT_TRUE(has(error(changed(shape, {-1}), weights), "the shape of weight 'kernel'"));
  EXPECT_TRUE(has(error(changed("/weightsManifest/0/weights/1/dtype", "complex64"), weights), "of a type"));
  const std::string fused = "/modelTopology/node/5";
  EXPECT_TRUE(has(error(changed((fused + "/attr/padding/s").c_str(), "V*"), weights), "not base64"));
  EXPECT_TRUE(has(error(changed((fused + "/attr/T/type").c_str(), "DT_HALF"), weights), "DT_HALF"));
  EXPECT_TRUE(has(error(changed((fused + "/input").c_str(), {"x", "kernel"}), weights), "lacks inputs"));
  EXPECT_TRUE(has(error(changed((fused + "/attr/fused_ops/list/s/1").c_str(), "UHJlbHU="), weights), "Prelu"));
}

}  // namespace
}  // namespace ride::models
