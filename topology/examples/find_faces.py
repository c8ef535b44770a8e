"""Finds faces with one of OpenCV's Haar cascades, and writes them beside the picture as built-in finders do
(docs/detections.md). Each node needs OpenCV's Python and its cascades: apt-get install python3-opencv opencv-data"""
import os

import cv2

CASCADES = "/usr/share/opencv4/haarcascades"  # where Debian's opencv-data has them


class FindFaces:
    # Parameters, stated in the topology by `values`: a type hint and a default.
    cascade: str = "haarcascade_frontalface_default.xml"  # or a path
    step: float = 1.1  # each size that is looked for is so many times the one before
    neighbors: int = 5  # windows that must agree: fewer find more, also what is no face
    smallest: int = 30  # pixels

    def open(self):
        path = os.path.join(CASCADES, self.cascade)
        if not os.path.exists(path):
            raise FileNotFoundError("there is no cascade %s: apt-get install opencv-data on this node" % path)
        self.finder = cv2.CascadeClassifier(path)
        if self.finder.empty():
            raise ValueError("OpenCV reads no cascade from %s" % path)

    def process(self, frame, out):
        image = frame.image
        gray = image if image.ndim == 2 else cv2.cvtColor(image[:, :, :3], cv2.COLOR_BGR2GRAY)
        boxes = self.finder.detectMultiScale(
            gray, scaleFactor=self.step, minNeighbors=self.neighbors, minSize=(self.smallest, self.smallest)
        )
        found = [{"label": "face", "box": [int(value) for value in box]} for box in boxes]
        out.emit(frame, attributes={"detections": found})
