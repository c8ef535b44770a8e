"""Bright pictures to `out`, dark ones to `out2` (docs/python.md)."""


class SplitByBrightness:
    # A parameter, stated in the topology by `values`: a type hint and a default.
    limit: float = 0.5  # of the brightest possible value

    def process(self, frame, out):
        most = 1.0 if frame.image.dtype.kind == "f" else 2.0 ** (8 * frame.image.dtype.itemsize) - 1
        brightness = float(frame.image.mean()) / most
        out.emit(frame, port="out" if brightness >= self.limit else "out2", attributes={"brightness": round(brightness, 3)})
