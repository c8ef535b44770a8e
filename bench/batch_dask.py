"""The same batch by Dask: batch_dask.py IN OUT WORKERS KSIZE QUALITY [--check]

One process a core with one thread each, and one OpenCV thread in each; a task is a picture: read, blurred, written.
Prints the seconds that starting the cluster took, and those from the first picture to the last, as JSON.
"""
import json
import os
import sys
import time


def blur(source, target, ksize, quality):
    import cv2

    cv2.setNumThreads(1)
    image = cv2.imread(source)
    if image is None:
        return source
    blurred = cv2.GaussianBlur(image, (ksize, ksize), 0)
    if not cv2.imwrite(target, blurred, [cv2.IMWRITE_JPEG_QUALITY, quality]):
        raise OSError(target)
    return None


def main():
    import cv2  # noqa: F401 - missing packages are told before anything starts
    from distributed import Client, LocalCluster

    if "--check" in sys.argv:
        return
    folder, out, workers, ksize, quality = sys.argv[1:6]
    begin = time.monotonic()
    with LocalCluster(n_workers=int(workers), threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.wait_for_workers(int(workers))
            client.run(lambda: __import__("cv2").setNumThreads(1))  # what importing takes is part of the start
            started = time.monotonic()
            names = sorted(os.listdir(folder))
            tasks = client.map(
                blur,
                [os.path.join(folder, name) for name in names],
                [os.path.join(out, name) for name in names],
                ksize=int(ksize),
                quality=int(quality),
                pure=False,
            )
            broken = [source for source in client.gather(tasks) if source]
            ended = time.monotonic()
    for source in broken:
        print(f"{os.path.basename(source)} is no picture: left out", file=sys.stderr)
    print(json.dumps({"start": started - begin, "seconds": ended - started}))


if __name__ == "__main__":
    main()
