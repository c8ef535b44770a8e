"""Counts the pixels of strong color in each picture, and marks those of one of them (docs/python.md)."""
import numpy as np

CHANNELS = {"blue": 0, "green": 1, "red": 2}  # of a picture with three channels, as OpenCV has them


class CountByColor:
    # Parameters, stated in the topology by `values`: a type hint and a default.
    color: str = "red"
    margin: int = 60  # how far its channel is above the two others
    least: int = 0  # pictures with fewer pixels of it go no further

    def open(self):
        if self.color not in CHANNELS:
            raise ValueError("color is %r, not one of %s" % (self.color, ", ".join(CHANNELS)))
        self.seen = 0

    def process(self, frame, out):
        if frame.image.ndim != 3:
            raise ValueError("a picture in color is needed, not one of shape %s" % (frame.image.shape,))
        self.seen += 1
        wide = frame.image[:, :, :3].astype(np.int16)
        counts, strong = {}, None
        for name, channel in CHANNELS.items():
            others = np.delete(wide, channel, axis=2).max(axis=2)
            mask = wide[:, :, channel] - others >= self.margin
            counts[name] = int(mask.sum())
            if name == self.color:
                strong = mask
        if counts[self.color] < self.least:
            return  # filtered: nothing is emitted
        marked = out.allocate(frame.image.shape, frame.image.dtype)
        marked[...] = frame.image // 2
        marked[strong] = frame.image[strong]
        out.emit(marked, attributes={"colors": counts, "count": counts[self.color]})

    def close(self):
        print("looked at", self.seen, "pictures")
