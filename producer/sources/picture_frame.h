// From the checked bytes of a picture to what a source gives. Threads: any.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "common/cause.h"
#include "producer/source.h"
#include "producer/sources/picture_file.h"

namespace ride::producer {

// JPEG and PNG keep their bytes; pixels are added where one of the `wanted` codecs is of another encoding, and for all
// other formats. corrupt: cannot be decoded; the message is the cause alone.
Result<CapturedFrame> picture_frame(const PictureInfo& info, std::span<const std::uint8_t> bytes,
                                    std::shared_ptr<const void> owner, const std::vector<Codec>& wanted);

// What the work on an item throws becomes an Error: the item is to blame, and the source goes on behind it.
template <class Work>
auto handled(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::resource_exhausted, "takes more memory than there is", false};
  } catch (const std::exception& failure) {
    return Error{ErrorCode::corrupt, std::string("cannot be read: ") + cause_of(failure), false};
  }
}

}  // namespace ride::producer
