#include "cli/models/tfjs_graph.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

#include "cli/models/proto_writer.h"
#include "common/json.h"

namespace ride::models {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxNodes = 10000;

// Numbers of the messages' fields.
namespace graph_def {
constexpr int kNode = 1;
}
namespace node_def {
constexpr int kName = 1, kOp = 2, kInput = 3, kAttr = 5;
}
namespace map_entry {
constexpr int kKey = 1, kValue = 2;
}
namespace attr_value {
constexpr int kList = 1, kS = 2, kI = 3, kF = 4, kB = 5, kType = 6, kShape = 7, kTensor = 8;
constexpr int kListI = 3;
}  // namespace attr_value
namespace tensor_proto {
constexpr int kDtype = 1, kShape = 2, kContent = 4, kIntVal = 7;
}
namespace shape_proto {
constexpr int kDim = 2, kSize = 1;
}
constexpr int kFloat = 1, kInt32 = 3, kBool = 10;  // DataType

Error malformed(const std::string& what) { return {ErrorCode::corrupt, "the TensorFlow.js model is damaged: " + what}; }
Error unknown(const std::string& what) { return {ErrorCode::unsupported, "the TensorFlow.js model has " + what}; }

struct Weight {
  int type = kFloat;
  std::vector<std::int64_t> shape;
  std::string content;  // 32 bits each, little-endian
};

float widened(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16, exponent = half >> 10 & 0x1f,
                      fraction = half & 0x3ff;
  if (exponent == 0)
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(std::ldexp(static_cast<float>(fraction), -24)));
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

std::string widened(std::string_view halves) {
  std::string floats;
  floats.reserve(2 * halves.size());
  for (std::size_t i = 0; i + 1 < halves.size(); i += 2) {
    const auto low = static_cast<unsigned char>(halves[i]), high = static_cast<unsigned char>(halves[i + 1]);
    const auto bits = std::bit_cast<std::uint32_t>(widened(static_cast<std::uint16_t>(high << 8 | low)));
    for (int shift = 0; shift < 32; shift += 8) floats += static_cast<char>(bits >> shift & 0xff);
  }
  return floats;
}

Result<std::int64_t> count_of(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const auto side : shape) {
    if (side < 0 || (side > 0 && count > kMaxGraphWeights / 4 / side))
      return malformed(fmt::format("the shape of weight '{}'", name));
    count *= side;
  }
  return count;
}

// Takes its bytes off the front of `rest`.
Result<Weight> read_weight(const json& entry, std::string_view& rest) {
  const std::string name = entry.at("name"), dtype = entry.at("dtype");
  Weight weight{.shape = entry.at("shape").get<std::vector<std::int64_t>>()};
  RIDE_ASSIGN(const auto count, count_of(name, weight.shape));
  const auto quantized = entry.find("quantization");
  const bool half = quantized != entry.end() && quantized->at("dtype") == "float16";
  if ((quantized != entry.end() && !half) || (dtype != "float32" && dtype != "int32") || (half && dtype != "float32"))
    return unknown(fmt::format("a weight '{}' of a type that is not known here", name));
  weight.type = dtype == "int32" ? kInt32 : kFloat;
  const auto bytes = static_cast<std::size_t>(count) * (half ? 2 : 4);
  if (bytes > rest.size()) return malformed(fmt::format("the weights end before those of '{}'", name));
  weight.content = half ? widened(rest.substr(0, bytes)) : std::string(rest.substr(0, bytes));
  rest.remove_prefix(bytes);
  return weight;
}

using Weights = std::map<std::string, Weight>;

Result<Weights> read_weights(const json& model, std::string_view bytes) {
  Weights weights;
  std::int64_t size = 0;
  for (const auto& group : model.at("weightsManifest")) {
    for (const auto& entry : group.at("weights")) {
      RIDE_ASSIGN(auto weight, read_weight(entry, bytes));
      size += static_cast<std::int64_t>(weight.content.size());
      if (size > kMaxGraphWeights) return malformed("its weights are too large");
      weights[entry.at("name").get<std::string>()] = std::move(weight);
    }
  }
  if (!bytes.empty()) return malformed(fmt::format("{} bytes are left behind the weights", bytes.size()));
  return weights;
}

Result<std::string> from_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t held = 0;
  int bits = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == kDigits.npos) return malformed("a text that is not base64");
    held = (held << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> bits & 0xff);
  }
  return bytes;
}

// JSON of protocol buffers writes 64-bit numbers as texts.
std::int64_t integer(const json& value) {
  return value.is_string() ? std::stoll(value.get<std::string>()) : value.get<std::int64_t>();
}

ProtoWriter shape_of(const std::vector<std::int64_t>& sides) {
  ProtoWriter shape;
  for (const auto side : sides) shape.message(shape_proto::kDim, ProtoWriter().number(shape_proto::kSize, side));
  return shape;
}

ProtoWriter tensor_of(const Weight& weight) {
  ProtoWriter tensor;
  tensor.number(tensor_proto::kDtype, weight.type).message(tensor_proto::kShape, shape_of(weight.shape));
  if (weight.type != kInt32 || !weight.shape.empty()) {
    tensor.bytes(tensor_proto::kContent, weight.content);
    return tensor;
  }
  std::uint32_t bits = 0;
  for (int i = 3; i >= 0; --i)
    bits = bits << 8 | static_cast<unsigned char>(weight.content[static_cast<std::size_t>(i)]);
  const auto value = static_cast<std::int64_t>(static_cast<std::int32_t>(bits));
  tensor.bytes(tensor_proto::kIntVal, ProtoWriter().varint(static_cast<std::uint64_t>(value)).text());
  return tensor;
}

Result<ProtoWriter> type_value(const std::string& type) {
  static const std::map<std::string, int> kTypes = {{"DT_FLOAT", kFloat}, {"DT_INT32", kInt32}, {"DT_BOOL", kBool}};
  const auto known = kTypes.find(type);
  if (known == kTypes.end()) return unknown(fmt::format("the type {}, which is not known here", type));
  return ProtoWriter().number(attr_value::kType, known->second);
}

// One of the kinds that an AttrValue may be.
Result<ProtoWriter> value_of(const json& attr) {
  if (attr.contains("type")) return type_value(attr["type"]);
  if (attr.contains("s")) {
    RIDE_ASSIGN(const auto text, from_base64(attr["s"].get<std::string>()));
    return ProtoWriter().bytes(attr_value::kS, text);
  }
  if (attr.contains("i")) return ProtoWriter().number(attr_value::kI, integer(attr["i"]));
  if (attr.contains("f")) return ProtoWriter().real(attr_value::kF, attr["f"].get<float>());
  if (attr.contains("b")) return ProtoWriter().number(attr_value::kB, attr["b"].get<bool>() ? 1 : 0);
  if (attr.contains("shape")) {
    std::vector<std::int64_t> sides;
    for (const auto& side : attr["shape"].value("dim", json::array())) sides.push_back(integer(side.at("size")));
    return ProtoWriter().message(attr_value::kShape, shape_of(sides));
  }
  if (attr.contains("list")) {
    ProtoWriter list;
    for (const auto& number : attr["list"].value("i", json::array())) list.number(attr_value::kListI, integer(number));
    return ProtoWriter().message(attr_value::kList, list);
  }
  return unknown("an attribute that is not known here: " + attr.dump());
}

// A node of the graph that is written.
class Node {
 public:
  Node(const std::string& name, const std::string& op, const std::vector<std::string>& inputs) {
    node_.bytes(node_def::kName, name).bytes(node_def::kOp, op);
    for (const auto& input : inputs) node_.bytes(node_def::kInput, input);
  }
  void add(const std::string& name, const ProtoWriter& value) {
    node_.message(node_def::kAttr, ProtoWriter().bytes(map_entry::kKey, name).message(map_entry::kValue, value));
  }
  Result<void> add(const std::string& name, const json& attr) {
    RIDE_ASSIGN(const auto value, value_of(attr));
    add(name, value);
    return {};
  }
  void append_to(ProtoWriter& graph) const { graph.message(graph_def::kNode, node_); }

 private:
  ProtoWriter node_;
};

using Nodes = std::map<std::string, json>;

std::vector<std::string> inputs_of(const json& node) { return node.value("input", std::vector<std::string>{}); }

// The nodes that an output needs, inputs first.
Result<void> walk(const Nodes& nodes, const std::string& name, std::set<std::string>& seen,
                  std::vector<std::string>& order) {
  if (!seen.insert(name).second) return {};
  const auto node = nodes.find(name);
  if (node == nodes.end()) return malformed(fmt::format("there is no node '{}'", name));
  for (const auto& input : inputs_of(node->second))
    RIDE_TRY(walk(nodes, input.substr(0, input.find(':')), seen, order));
  order.push_back(name);
  return {};
}

Result<void> write_constant(const std::string& name, const Weights& weights, ProtoWriter& graph) {
  const auto weight = weights.find(name);
  if (weight == weights.end()) return malformed(fmt::format("there are no weights for '{}'", name));
  Node node(name, "Const", {});
  node.add("dtype", ProtoWriter().number(attr_value::kType, weight->second.type));
  node.add("value", ProtoWriter().message(attr_value::kTensor, tensor_of(weight->second)));
  node.append_to(graph);
  return {};
}

// The last of the operations keeps the fused one's name.
Result<void> write_fused(const std::string& name, const json& fused, const std::string& base, ProtoWriter& graph) {
  const auto& attrs = fused.at("attr");
  const auto inputs = inputs_of(fused);
  std::vector<std::string> steps = {base};
  for (const auto& text : attrs.at("fused_ops").at("list").at("s")) {
    RIDE_ASSIGN(auto step, from_base64(text.get<std::string>()));
    steps.push_back(std::move(step));
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto name_of = [&](std::size_t step) {
      return step + 1 == steps.size() ? name : fmt::format("{}/f{}", name, step);
    };
    static const std::set<std::string> kKnown = {"BiasAdd", "Relu", "Relu6", "Elu"};
    if (i > 0 && !kKnown.contains(steps[i])) return unknown("a fused operation that is not known here: " + steps[i]);
    if (inputs.size() < (steps[i] == "BiasAdd" ? 3U : 2U)) return malformed("a fused operation lacks inputs: " + name);
    std::vector<std::string> from = {inputs[0], inputs[1]};
    if (i > 0) from = {name_of(i - 1)};
    if (steps[i] == "BiasAdd") from.push_back(inputs[2]);
    Node node(name_of(i), steps[i], from);
    const std::vector<const char*> kept =
        i == 0 ? std::vector{"strides", "padding", "dilations", "data_format", "T"} : std::vector{"T"};
    for (const char* attr : kept) RIDE_TRY(node.add(attr, attrs.at(attr)));
    node.append_to(graph);
  }
  return {};
}

Result<void> write_node(const std::string& name, const json& node, const Weights& weights, ProtoWriter& graph) {
  const std::string op = node.at("op");
  if (op == "Const") return write_constant(name, weights, graph);
  if (op == "_FusedConv2D") return write_fused(name, node, "Conv2D", graph);
  if (op == "FusedDepthwiseConv2dNative") return write_fused(name, node, "DepthwiseConv2dNative", graph);
  Node plain(name, op, inputs_of(node));
  const json attrs = node.value("attr", json::object());
  for (const auto& [key, attr] : attrs.items())
    if (key != "explicit_paddings") RIDE_TRY(plain.add(key, attr));
  plain.append_to(graph);
  return {};
}

Result<std::string> convert(const json& model, std::string_view bytes, const std::vector<std::string>& outputs) {
  RIDE_ASSIGN(const auto weights, read_weights(model, bytes));
  Nodes nodes;
  for (const auto& node : model.at("modelTopology").at("node")) nodes[node.at("name").get<std::string>()] = node;
  if (nodes.size() > kMaxNodes) return malformed("it has too many nodes");
  std::set<std::string> seen;
  std::vector<std::string> order;
  for (const auto& output : outputs) RIDE_TRY(walk(nodes, output, seen, order));
  ProtoWriter graph;
  for (const auto& name : order) RIDE_TRY(write_node(name, nodes.at(name), weights, graph));
  return graph.text();
}

}  // namespace

Result<std::string> frozen_graph(std::string_view topology, std::string_view weights,
                                 const std::vector<std::string>& outputs) {
  try {
    return convert(json::parse(topology), weights, outputs);
  } catch (const json::exception& failure) {
    return malformed(failure.what());
  } catch (const std::logic_error& failure) {  // std::stoll
    return malformed(failure.what());
  }
}

}  // namespace ride::models
