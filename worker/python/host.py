# What runs in the child process beside the user's class: one request of the worker after the other, over a socket with
# messages. Pictures lie in memory that both map. Whatever leaves this process is checked again by the worker. What is
# needed when something fails is imported before: there may be no descriptor left for it then.
import array
import gc
import json
import mmap
import os
import re
import sys
import traceback

MOST_MESSAGE = 192 * 1024
MOST_ATTRIBUTES = 64
MOST_TEXT = 2000  # bytes
MOST_KEPT = 400  # each holds a descriptor
LONGEST_SIDE = 2**31 - 1
CHANNELS = (1, 2, 3, 4)
DEBIAN_PACKAGES = {"cv2": "python3-opencv", "PIL": "python3-pil", "scipy": "python3-scipy", "yaml": "python3-yaml"}
PIP_PACKAGES = {"cv2": "opencv-python-headless", "PIL": "pillow", "skimage": "scikit-image", "yaml": "pyyaml"}
PID = os.getpid()


class Refused(Exception):
    """The worker's answer to something that it cannot give or take."""


def text_of(value, most=MOST_TEXT):
    try:
        text = str(value)
    except Exception:
        text = "(it has no text)"
    data = text.encode("utf-8", "backslashreplace")
    return data.decode() if len(data) <= most else data[:most].decode("utf-8", "ignore") + "..."


def how_to_install(module):
    name = module.split(".")[0]
    if sys.prefix != "/usr":
        return "on this node: %s -m pip install %s" % (sys.executable, PIP_PACKAGES.get(name, name))
    if name in DEBIAN_PACKAGES:
        return "on this node: apt-get install %s" % DEBIAN_PACKAGES[name]
    return "on this node: apt-get install python3-%s, if Debian has it under that name" % name.lower()


ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Wire:
    """Messages are lines; those that wait for no answer go with the next one that does."""

    def __init__(self, sock):
        self.sock, self.held, self.buffer = sock, b"", bytearray(2 * MOST_MESSAGE)

    def encoded(self, message):
        data = ENCODE(message).encode()
        if len(data) > MOST_MESSAGE:
            raise ValueError("attributes of %d bytes are more than %d" % (len(data), MOST_MESSAGE))
        return data

    def hold(self, message):
        data = self.encoded(message)
        if len(self.held) + len(data) >= MOST_MESSAGE:
            self.flush()
        self.held += data + b"\n"

    def put(self, data):
        if os.getpid() != PID:
            os._exit(0)  # a fork that came back from the user's code: it is not the one that is asked
        self.held = b""
        self.sock.send(data)

    def flush(self):
        if self.held:
            self.put(self.held)

    def send(self, message):
        data = self.encoded(message)
        if len(self.held) + len(data) > MOST_MESSAGE:
            self.flush()
        self.put(self.held + data)

    def receive(self):
        """A message, and the descriptor that came with it or None."""
        if os.getpid() != PID:
            os._exit(0)
        size, extra, _, _ = self.sock.recvmsg_into([self.buffer], 64)
        if not size:
            os._exit(0)  # the worker has gone
        fds = array.array("i")
        for _, _, piece in extra:
            fds.frombytes(piece[: len(piece) - len(piece) % fds.itemsize])
        return json.loads(self.buffer[:size].decode()), (fds[0] if fds else None)

    def ask(self, message):
        self.send(message)
        answer, fd = self.receive()
        if answer["t"] == "refused":
            raise Refused(answer["reason"])
        return answer, fd


class Slot:
    """Memory shared with the worker. Every array over it has `root` as its base: its references say who looks on."""

    def __init__(self, number, fd, size, writable):
        if fd is None:
            raise OSError("the memory of a picture did not arrive: this process has no descriptor left")
        prot = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        try:
            memory = mmap.mmap(fd, size, flags=mmap.MAP_SHARED, prot=prot)
        finally:
            os.close(fd)
        self.number, self.size = number, size
        self.root = np.frombuffer(memory, np.uint8)
        self.address = self.root.__array_interface__["data"][0]

    def looked_at(self):
        return sys.getrefcount(self.root) > 2

    def view(self, shape, dtype, size):
        return self.root[:size].view(dtype).reshape(shape)


class Frame:
    """A picture on its way: `image` is read-only, (rows, columns) or (rows, columns, channels), blue first."""

    def __init__(self, message, image):
        self.image = image
        self.id, self.source = message["id"], message["source"]
        self.session, self.number = message["session"], message["number"]
        self.origin, self.captured_at = message["from"], message["captured_at"]
        self.attributes = message["attributes"]


class Out:
    """Where results go, until process() or finish() returns."""

    def __init__(self, host, frame):
        self._host, self._frame = host, frame
        self._image = frame.image if frame is not None else None

    def _check_open(self):
        if self._host.out is not self:
            raise RuntimeError("this `out` belongs to an earlier frame: emit before process() returns")

    def allocate(self, shape, dtype="uint8"):
        """An array in memory that the worker reads: what is written into it is emitted without another copy."""
        with self._host.lock:
            self._check_open()
            dtype = np.dtype(dtype)
            self._host.check_kind(tuple(shape), dtype)
            return self._host.slot_for(shape, dtype)

    def emit(self, picture=None, port=None, attributes=None):
        """The picture as it is now: an array, or the frame itself. `attributes` are added; None as a value removes."""
        with self._host.lock:
            self._check_open()
            if port is not None and port not in self._host.ports:
                raise ValueError("there is no port %r; ports: %s" % (port, ", ".join(self._host.ports)))
            message = {"t": "emit", "port": "" if port is None else port, "attributes": {}}
            for name, value in (attributes or {}).items():
                name = str(name)
                if not re.fullmatch("[A-Za-z0-9_.-]{1,64}", name):
                    text = "an attribute's name has 1 to 64 of a-z, A-Z, 0-9, '_', '-' and '.', not %r"
                    raise ValueError(text % name)
                if value is not None and not isinstance(value, str):
                    value = json.dumps(value)
                if value is not None:
                    value.encode("utf-8")  # raises here what the worker could not read
                message["attributes"][name] = value
            if len(message["attributes"]) > MOST_ATTRIBUTES:
                raise ValueError("more than %d attributes" % MOST_ATTRIBUTES)
            self._host.emit(self, picture, message)


class Host:
    def __init__(self, wire):
        import threading

        self.wire, self.lock = wire, threading.RLock()
        self.input, self.outputs, self.kept, self.dropped = None, [], [], []
        self.out, self.task, self.script, self.ports = None, None, "", []

    # -- memory ------------------------------------------------------------------------------------------------------
    def check_kind(self, shape, dtype):
        if dtype not in (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)):
            text = "a picture of %s cannot be emitted: uint8, uint16 or float32, for example array.astype(np.uint8)"
            raise TypeError(text % dtype)
        flat = len(shape) == 2 or (len(shape) == 3 and shape[2] in CHANNELS)
        if not flat or any(not 1 <= int(side) <= LONGEST_SIDE for side in shape):
            raise ValueError("a picture has the shape (rows, columns) or (rows, columns, 1 to 4), not %s" % (shape,))

    def slot_for(self, shape, dtype):
        shape = tuple(int(side) for side in shape)
        size = dtype.itemsize
        for side in shape:
            size *= side
        fitting = [slot for slot in self.outputs if size <= slot.size <= 4 * size + (1 << 20)]
        free = [slot for slot in fitting if not slot.looked_at()]
        if free:
            return min(free, key=lambda slot: slot.size).view(shape, dtype, size)
        # What nobody looks at and does not fit is given back first.
        self.drop([slot for slot in self.outputs if not slot.looked_at()])
        try:
            answer, fd = self.wire.ask({"t": "slot", "bytes": size, "drop": self.take_dropped()})
        except Refused as refused:
            raise MemoryError(text_of(refused)) from None
        try:
            slot = Slot(answer["id"], fd, answer["bytes"], True)
        except BaseException:
            self.dropped.append(answer["id"])
            raise
        self.outputs.append(slot)
        return slot.view(shape, dtype, size)

    def drop(self, slots):
        for slot in slots:
            self.outputs.remove(slot)
            self.dropped.append(slot.number)

    def take_dropped(self):
        dropped, self.dropped = self.dropped, []
        return dropped

    def place_of(self, picture):
        """The slot and offset of an array that lies in one as a whole, else None."""
        if not picture.flags.c_contiguous:
            return None
        address = picture.__array_interface__["data"][0]
        for slot in self.outputs:
            if slot.address <= address and address + picture.nbytes <= slot.address + slot.size:
                return slot.number, address - slot.address
        return None

    # -- results -----------------------------------------------------------------------------------------------------
    def emit(self, out, picture, message):
        if picture is None or isinstance(picture, Frame):
            picture = out._image if picture is None else picture.image
            if picture is None:
                raise ValueError("there is no picture to pass on")
        if not isinstance(picture, np.ndarray):
            raise TypeError("emit() takes a numpy array or the frame, not %s" % type(picture).__name__)
        if picture is out._image:
            self.wire.hold(dict(message, slot=-1))  # goes on as it came, without a copy; what is wrong is said later
            return
        self.check_kind(picture.shape, picture.dtype)
        place = self.place_of(picture)
        if place is None:
            copy = self.slot_for(picture.shape, picture.dtype)
            copy[...] = picture
            place = self.place_of(copy)
        depth = {1: "8U", 2: "16U", 4: "32F"}[picture.dtype.itemsize]
        shape = picture.shape
        channels = shape[2] if len(shape) == 3 else 1
        message.update(slot=place[0], offset=place[1], rows=shape[0], cols=shape[1], channels=channels, depth=depth)
        try:
            self.wire.ask(message)
        except Refused as refused:
            raise ValueError(text_of(refused)) from None

    # -- the user's class --------------------------------------------------------------------------------------------
    def describe(self, error):
        place = ""
        if isinstance(error, SyntaxError) and error.filename == self.script:
            place = "%s:%s: " % (self.script, error.lineno)
        else:
            entries = traceback.extract_tb(error.__traceback__)
            entries = [entry for entry in entries if entry.filename == self.script]
            if entries:
                place = "%s:%s: " % (self.script, entries[-1].lineno)
        text = text_of(error.msg if isinstance(error, SyntaxError) else error)
        what = type(error).__name__ + (": " + text if text else "")
        if isinstance(error, MemoryError):
            what += " (this stage's `memory` is %d MiB)" % (self.memory >> 20)
        if isinstance(error, ModuleNotFoundError):
            what += " (" + how_to_install(error.name or "it") + ", or name a venv that has it with `python`)"
        return text_of(place + what)

    def print_traceback(self, error):
        try:
            lines = "".join(traceback.format_exception(type(error), error, error.__traceback__.tb_next, 8)).splitlines()
            print("\n".join(lines[-24:]), file=sys.stderr)
        except Exception:
            pass

    def load(self, message):
        import linecache
        import types

        with open(message["file"], "rb") as file:
            source = file.read()
        self.script = message["name"]
        module = types.ModuleType("ride_task_" + re.sub(r"\W", "_", self.script.rsplit(".", 1)[0]))
        module.__file__ = self.script
        sys.modules[module.__name__] = module
        try:
            text = source.decode("utf-8")
            linecache.cache[self.script] = (len(text), None, text.splitlines(True), self.script)
        except UnicodeDecodeError:
            pass  # compile() says what is wrong, or knows the encoding
        exec(compile(source, self.script, "exec", dont_inherit=True), module.__dict__)
        return self.find_class(module, message["class"])

    def find_class(self, module, name):
        found = {
            key: value
            for key, value in vars(module).items()
            if isinstance(value, type)
            and value.__module__ == module.__name__
            and callable(getattr(value, "process", None))
        }
        known = ", ".join(sorted(found)) or "none"
        if name:
            if name not in found:
                text = "%s has no class '%s' with process(self, frame, out); it has: %s"
                raise Refused(text % (self.script, name, known))
            return found[name]
        if len(found) != 1:
            raise Refused(
                "%s has %d classes with process(self, frame, out) and needs one, or the parameter `class`; it has: %s"
                % (self.script, len(found), known)
            )
        return next(iter(found.values()))

    def set_values(self, kind, task, values):
        """Class attributes with a type hint are parameters; those that begin with '_' are not."""
        import typing

        try:
            hints = typing.get_type_hints(kind)
        except Exception as error:
            raise Refused("%s: its type hints cannot be read: %s" % (self.script, text_of(error))) from None
        types = {int: "int", float: "float", str: "str", bool: "bool", list: "list", dict: "dict"}
        hints = {
            name: typing.get_origin(hint) or hint
            for name, hint in hints.items()
            if not name.startswith("_") and (typing.get_origin(hint) or hint) in types
        }
        for name, value in values.items():
            if name not in hints:
                known = ", ".join(sorted(hints)) or "none"
                raise Refused("%s has no parameter '%s'; it has: %s" % (self.script, name, known))
            if hints[name] is float and type(value) is int:
                value = float(value)
            if type(value) is not hints[name]:
                given = text_of(json.dumps(value), 100)
                raise Refused("%s: the parameter '%s' is %s, not %s" % (self.script, name, types[hints[name]], given))
            setattr(task, name, value)
        missing = [name for name in hints if name not in values and not hasattr(task, name)]
        if missing:
            raise Refused("%s needs the parameter '%s' in `values`: it has no default" % (self.script, missing[0]))

    def open(self, message):
        self.memory, self.ports = message["memory"], message["ports"]
        try:
            kind = self.load(message)
            self.task = kind()
            self.set_values(kind, self.task, message["values"])
            if hasattr(self.task, "open"):
                self.task.open()
        except Refused as refused:
            return {"t": "failed", "text": text_of(refused)}
        except Exception as error:
            self.print_traceback(error)
            return {"t": "failed", "text": self.describe(error)}
        return {"t": "ready"}

    def keep(self):
        """Memory that is still looked at is left as it is: the worker makes other. True: the input is."""
        self.kept = [slot for slot in self.kept if slot.looked_at()]
        outputs = [slot for slot in self.outputs if slot.looked_at()]
        self.drop(outputs)
        self.kept += outputs
        if self.input is None:
            return True  # its memory did not get here
        if not self.input.looked_at():
            return False
        self.kept.append(self.input)
        self.input = None
        return True

    def image_of(self, message, fd):
        if fd is not None or self.input is None or self.input.number != message["input"]:
            self.input = None
            self.input = Slot(message["input"], fd, message["capacity"], False)
        dtype = np.dtype({"8U": np.uint8, "16U": np.uint16, "32F": np.float32}[message["depth"]])
        shape = (message["rows"], message["cols"])
        if message["channels"] > 1:
            shape += (message["channels"],)
        size = dtype.itemsize * shape[0] * shape[1] * message["channels"]
        return self.input.view(shape, dtype, size)

    def check_kept(self):
        def size_of_all():
            return sum(slot.size for slot in self.kept)

        if size_of_all() <= self.memory and len(self.kept) <= MOST_KEPT:
            return
        gc.collect()
        self.kept = [slot for slot in self.kept if slot.looked_at()]
        size = size_of_all()
        if size > self.memory or len(self.kept) > MOST_KEPT:
            text = "views of %d earlier frames are kept, %d MiB: keep frame.image.copy(), or less of it"
            raise MemoryError(text % (len(self.kept), size >> 20))

    def call(self, message, fd):
        """process() or finish(), and what is said of it."""
        answer = {"t": "done"}
        try:
            if message["t"] == "frame":
                frame = Frame(message, self.image_of(message, fd))
                self.check_kept()
                self.out = Out(self, frame)
                self.task.process(frame, self.out)
            elif hasattr(self.task, "finish"):
                self.out = Out(self, None)
                self.task.finish(self.out)
        except Exception as error:
            self.print_traceback(error)
            answer = {"t": "raised", "text": self.describe(error)}
        finally:
            with self.lock:  # a thread of the user's that emits comes to its end first
                if self.out is not None:
                    self.out._frame = self.out._image = None
                self.out = None
        return answer

    def run(self):
        while True:
            message, fd = self.wire.receive()
            if message["t"] == "open":
                answer = self.open(message)
            elif message["t"] == "close":
                try:
                    if hasattr(self.task, "close"):
                        self.task.close()
                except Exception as error:
                    self.print_traceback(error)
                answer = {"t": "closed"}
            elif message["t"] in ("frame", "finish"):
                answer = self.call(message, fd)
                answer["kept"] = self.keep()
                answer["drop"] = self.take_dropped()
            else:
                os._exit(70)  # what the worker never says
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except Exception:
                    pass
            self.wire.send(answer)


def die_with_parent():
    """A fork of the main thread ends with this process: nobody else would end it if the worker is killed."""
    try:
        import ctypes
        import threading

        prctl = ctypes.CDLL(None).prctl
        state = {"main": True}

        def before():
            state["main"] = threading.current_thread() is threading.main_thread()

        def after():
            if state["main"]:
                prctl(1, 9, 0, 0, 0)

        os.register_at_fork(before=before, after_in_child=after)
    except Exception:
        pass


def main(sock):
    global np
    os.set_inheritable(sock.fileno(), False)
    wire = Wire(sock)
    message, _ = wire.receive()
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.path[:] = [entry for entry in sys.path if entry]
    if sys.version_info < (3, 8):
        text = "%s is Python %s, and 3.8 is needed" % (sys.executable, sys.version.split()[0])
        return wire.send({"t": "failed", "text": text})
    import faulthandler
    import resource

    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (message["memory"], message["memory"]))
    try:
        import numpy
    except Exception as error:
        text = (
            "%s has no numpy (%s): install it (Debian: apt install python3-numpy), or name a venv that has it with "
            "`python`"
        )
        return wire.send({"t": "failed", "text": text % (sys.executable, text_of(error))})
    np = numpy
    die_with_parent()
    host = Host(wire)
    wire.send(host.open(message))
    host.run()


main(s)
