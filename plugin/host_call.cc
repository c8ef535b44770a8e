#include "plugin/host_call.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstddef>

#include "common/cause.h"
#include "common/text.h"
#include "worker/tasks/picture.h"

namespace ride::plugin {
namespace {

constexpr std::size_t kMostAllocated = 4096;  // pictures of one call
constexpr std::size_t kLongestAsked = 64;     // names of parameters and ports

HostCall& host_of(const RideCall* call) { return *static_cast<HostCall*>(call->host); }

std::int32_t refuse(HostCall& host, ErrorCode code, std::string why) {
  if (!host.misuse) host.misuse = Error{code, std::move(why)};
  return RIDE_FAILED;
}

// No exception goes into the plug-in.
template <class Work>
std::int32_t answered(HostCall& host, Work work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    host.out_of_memory = true;
  } catch (const std::exception& failure) {
    try {
      return refuse(host, ErrorCode::resource_exhausted, cause_of(failure));
    } catch (const std::exception&) {
      host.out_of_memory = true;
    }
  }
  return RIDE_FAILED;
}

void set_error(const RideCall* call, const char* text, std::uint64_t length) noexcept {
  auto& host = host_of(call);
  answered(host, [&] {
    host.said = words_of(text, length);
    return RIDE_OK;
  });
}

void progress(const RideCall* call) noexcept {
  auto& host = host_of(call);
  answered(host, [&] {
    if (host.out != nullptr) host.out->progress();
    return RIDE_OK;
  });
}

template <class T, class Out, class Set>
std::int32_t give_param(const RideCall* call, const char* name, Out* to, Set set) noexcept {
  auto& host = host_of(call);
  return answered(host, [&] {
    const std::string asked = name == nullptr ? "" : std::string(name, ::strnlen(name, kLongestAsked + 1));
    if (to == nullptr)
      return refuse(host, ErrorCode::internal,
                    fmt::format("it asks for the parameter '{}' without a place for its value", one_line(asked)));
    const auto found = host.params->find(asked);
    if (found == host.params->end())
      return refuse(host, ErrorCode::internal,
                    fmt::format("it asks for the parameter '{}', which it does not declare", one_line(asked)));
    const auto* value = std::get_if<T>(&found->second);
    if (value == nullptr)
      return refuse(host, ErrorCode::internal,
                    fmt::format("it asks for the parameter '{}' as another type than the {} "
                                "that it declares",
                                asked, to_string(type_of(found->second))));
    set(*value);
    return RIDE_OK;
  });
}

std::int32_t get_boolean(const RideCall* call, const char* name, std::int32_t* value) noexcept {
  return give_param<bool>(call, name, value, [=](bool is) { *value = is ? 1 : 0; });
}
std::int32_t get_integer(const RideCall* call, const char* name, std::int64_t* value) noexcept {
  return give_param<std::int64_t>(call, name, value, [=](std::int64_t is) { *value = is; });
}
std::int32_t get_number(const RideCall* call, const char* name, double* value) noexcept {
  return give_param<double>(call, name, value, [=](double is) { *value = is; });
}
std::int32_t get_string(const RideCall* call, const char* name, RideText* value) noexcept {
  return give_param<std::string>(call, name, value, [=](const std::string& is) { *value = {is.data(), is.size()}; });
}

// Nothing: it fits.
std::optional<std::string> unfit_shape(std::int32_t rows, std::int32_t cols, std::int32_t channels,
                                       std::int32_t depth) {
  if (rows < 1 || cols < 1) return fmt::format("{}x{} pixels; 1x1 is the least", cols, rows);
  if (channels < 1 || channels > 4) return fmt::format("{} channels; 1 to 4 are possible", channels);
  if (depth != RIDE_8U && depth != RIDE_16U && depth != RIDE_32F)
    return fmt::format("depth {}; 8U (0), 16U (2) and 32F (5) are possible", depth);
  if (!tasks::fits_a_frame(cols, rows, CV_MAKETYPE(depth, channels)))
    return fmt::format("{}x{} pixels of {} channels, above the 4 GiB that a frame may have", cols, rows, channels);
  return std::nullopt;
}

std::int32_t allocate(const RideCall* call, std::int32_t rows, std::int32_t cols, std::int32_t channels,
                      std::int32_t depth, RidePicture* picture) noexcept {
  auto& host = host_of(call);
  return answered(host, [&] {
    if (host.out == nullptr) return refuse(host, ErrorCode::internal, "it allocates a picture in open()");
    if (picture == nullptr || picture->size < sizeof(RidePicture))
      return refuse(host, ErrorCode::internal, "it allocates without a RidePicture whose size is set");
    if (const auto unfit = unfit_shape(rows, cols, channels, depth))
      return refuse(host, ErrorCode::internal, "it asks for a picture of " + *unfit);
    if (host.allocated.size() >= kMostAllocated)
      return refuse(host, ErrorCode::resource_exhausted,
                    fmt::format("it allocates more than {} pictures in one call", kMostAllocated));
    cv::Mat made = host.out->allocate(rows, cols, CV_MAKETYPE(depth, channels));
    const auto size = picture->size;
    *picture = {size, rows, cols, channels, depth, made.step[0], made.data};
    host.allocated.push_back(std::move(made));
    return RIDE_OK;
  });
}

// The port's name in `port`; empty: the default one.
std::int32_t check_port(HostCall& host, const char* name, std::uint64_t length, std::string& port) {
  if (length == 0) return RIDE_OK;
  if (name != nullptr && length <= kLongestAsked) {
    port.assign(name, static_cast<std::size_t>(length));
    const auto& ports = host.declaration->outputs;
    if (std::find(ports.begin(), ports.end(), port) != ports.end()) return RIDE_OK;
  }
  return refuse(host, ErrorCode::internal,
                fmt::format("it emits to the output '{}', and declares {}",
                            words_of(name, std::min<std::uint64_t>(length, kLongestAsked)),
                            fmt::join(host.declaration->outputs, ", ")));
}

std::int32_t send(HostCall& host, const std::string& port, Frame frame) {
  if (port.empty())
    host.out->emit(std::move(frame));
  else
    host.out->emit(port, std::move(frame));
  return RIDE_OK;
}

std::int32_t emit(const RideCall* call, const char* name, std::uint64_t length, const RidePicture* picture) noexcept {
  auto& host = host_of(call);
  return answered(host, [&] {
    if (host.out == nullptr) return refuse(host, ErrorCode::internal, "it emits in open()");
    if (host.frame == nullptr)
      return refuse(host, ErrorCode::internal,
                    "it emits in finish(), and has seen no frame whose place that could take");
    if (picture == nullptr || picture->size < sizeof(RidePicture))
      return refuse(host, ErrorCode::internal, "it emits without a RidePicture whose size is set");
    const auto made = std::find_if(host.allocated.begin(), host.allocated.end(),
                                   [&](const cv::Mat& one) { return one.data == picture->data; });
    if (made == host.allocated.end())
      return refuse(host, ErrorCode::internal,
                    "it emits a picture that allocate() did not give it in this call (pass() sends on the input)");
    if (made->rows != picture->rows || made->cols != picture->cols || made->channels() != picture->channels ||
        made->depth() != picture->depth || made->step[0] != picture->step)
      return refuse(host, ErrorCode::internal,
                    "it emits a picture with another size, type or step than allocate() gave it");
    std::string port;
    if (check_port(host, name, length, port) != RIDE_OK) return RIDE_FAILED;
    return send(host, port, tasks::with_image(*host.frame, *made));
  });
}

std::int32_t pass(const RideCall* call, const char* name, std::uint64_t length) noexcept {
  auto& host = host_of(call);
  return answered(host, [&] {
    if (!host.may_pass) return refuse(host, ErrorCode::internal, "it passes on a frame outside of process()");
    std::string port;
    if (check_port(host, name, length, port) != RIDE_OK) return RIDE_FAILED;
    return send(host, port, *host.frame);
  });
}

}  // namespace

RideCall HostCall::table() {
  return {sizeof(RideCall), this,       set_error, progress, get_boolean, get_integer,
          get_number,       get_string, allocate,  emit,     pass};
}

}  // namespace ride::plugin
