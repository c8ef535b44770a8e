// A graph model of TensorFlow.js (topology as JSON, weights as bytes) as the frozen GraphDef that OpenCV's importer
// reads. What TensorFlow.js has fused is taken apart again (_FusedConv2D: Conv2D, BiasAdd, Relu, ...), halves become
// 32-bit floats, scalar integers are written as int_val: OpenCV 4.6 crashes on one in tensor_content. Pure: text in,
// bytes out, the same for the same input. Memory: about three times the weights as 32-bit floats. Failure: corrupt (not
// what the format says, or larger than kMaxGraphWeights), unsupported (an operation or type that is not listed).
// Formats: tensorflow/core/framework/{graph,node_def,attr_value,tensor}.proto; TensorFlow.js's io/types.ts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace ride::models {

inline constexpr std::int64_t kMaxGraphWeights = std::int64_t{256} << 20;  // bytes of 32-bit floats

// With the nodes that `outputs` need, each behind its inputs.
Result<std::string> frozen_graph(std::string_view topology, std::string_view weights,
                                 const std::vector<std::string>& outputs);

}  // namespace ride::models
