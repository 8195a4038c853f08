"""Frames of docs/protocol.md, as bytes come and as bytes go. It shares nothing with the samples, which
are among those that are recorded."""
import json
import os
import socket
import struct
import time

HEADER = struct.Struct("<4sBBHQIHH")
MORE = 1
PIECE = 1 << 20
KINDS = {1: "hello", 2: "welcome", 3: "refuse", 4: "bye", 16: "register", 17: "registered", 18: "call",
         19: "answer", 20: "cancel", 21: "heartbeat", 22: "progress", 32: "request", 33: "reply", 34: "event"}
NUMBERS = {name: number for number, name in KINDS.items()}


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def clock():
    return {"boot_ns": boot_ns(), "time_namespace": os.stat("/proc/self/ns/time").st_ino}


class Reader:
    """Puts messages together again from any split of the stream."""

    def __init__(self):
        self._bytes, self._halves = b"", {}

    def feed(self, data):
        """The messages that are complete now: (kind, sequence, payload text)."""
        self._bytes += data
        messages = []
        while len(self._bytes) >= HEADER.size:
            magic, version, kind, flags, sequence, size, _, _ = HEADER.unpack_from(self._bytes)
            assert (magic, version) == (b"SFW1", 1), "no frame of version 1"
            if len(self._bytes) < HEADER.size + size:
                break
            piece = self._halves.pop(kind, b"") + self._bytes[HEADER.size:HEADER.size + size]
            self._bytes = self._bytes[HEADER.size + size:]
            if flags & MORE:
                self._halves[kind] = piece
            else:
                messages.append((KINDS[kind], sequence, piece.decode()))
        return messages


class Connection:
    """One end of a conversation."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(60)
        self._socket.connect(str(path))
        self._reader, self._ready = Reader(), []

    def send(self, kind, sequence, message):
        data = json.dumps(message).encode()
        while True:
            piece, data = data[:PIECE], data[PIECE:]
            header = HEADER.pack(b"SFW1", 1, NUMBERS[kind], MORE if data else 0, sequence, len(piece), 0, 0)
            self._socket.sendall(header + piece)
            if not data:
                return

    def receive(self):
        """(kind, sequence, message); None when the other side closed."""
        while not self._ready:
            data = self._socket.recv(1 << 16)
            if not data:
                return None
            self._ready = self._reader.feed(data)
        kind, sequence, payload = self._ready.pop(0)
        return kind, sequence, json.loads(payload)

    def end(self):
        """Wakes up who waits in receive()."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was first

    def close(self):
        self._socket.close()
