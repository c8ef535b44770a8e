// A camera: a device of the node, or a stream of the network.
#include "source_kinds/camera_uri.h"
#include "source_kinds/source_decl.h"
#include "source_kinds/timeouts.h"

namespace ride {

SourceDecl declare_camera() {
  return {
      .name = "camera",
      .what = {.name = "camera",
               .type = KeyType::camera,
               .doc =
                   "A network camera (rtsp, http, udp, ... URL), a device (/dev/video0) or its index. Credentials are "
                   "written as ${VAR}, filled in by the producer from its environment.",
               .example = "\"rtsp://${CAM_USER}:${CAM_PASS}@gate.example/stream\""},
      .keys = timeout_keys(),
      .live = true,
      .numbering = Numbering::when_sent,
      .own_rate = true,
      .drop_when_late = true,
      .default_codec = [](const std::string& uri) { return device_path(uri) ? "" : "jpeg:90"; },
      .codec_text = "jpeg:90 from the network, raw from a device",
      .input = SourceInput::device};
}

}  // namespace ride
