"""Frames and the handshake of docs/protocol.md, for the two samples beside this file."""
import json
import os
import socket
import struct
import time

HELLO, WELCOME, REFUSE, BYE = 1, 2, 3, 4
REGISTER, REGISTERED, CALL, ANSWER, CANCEL, HEARTBEAT = 16, 17, 18, 19, 20, 21
REQUEST, REPLY, EVENT = 32, 33, 34

_HEADER = struct.Struct("<4sBBHQIHH")
_PIECE = 1 << 20
_MORE = 1


class Refused(Exception):
    """The coordinator said no; the text says why."""


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def clock():
    return {"boot_ns": boot_ns(), "time_namespace": os.stat("/proc/self/ns/time").st_ino}


class Wire:
    """One connection. A message is (kind, sequence, payload as a dictionary)."""

    def __init__(self, path, role, name):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._halves = {}  # of messages that come in several frames
        self.send(HELLO, 0, {"protocol_min": 1, "protocol_max": 1, "role": role, "sdk": "python-sample",
                             "name": name, "pid": os.getpid(), "clock": clock()})
        self.expect(WELCOME)

    def close(self):
        self._socket.close()

    def send(self, kind, sequence, message):
        data = json.dumps(message).encode()
        while True:
            piece, data = data[:_PIECE], data[_PIECE:]
            self._socket.sendall(_HEADER.pack(b"SFW1", 1, kind, _MORE if data else 0, sequence,
                                              len(piece), 0, 0) + piece)
            if not data:
                return

    def receive(self):
        while True:
            magic, version, kind, flags, sequence, size, _, _ = _HEADER.unpack(self._exactly(_HEADER.size))
            if magic != b"SFW1" or version != 1 or size > _PIECE:
                raise ConnectionError("this is no frame of version 1")
            data = self._halves.pop(kind, b"") + self._exactly(size)
            if flags & _MORE:
                self._halves[kind] = data
            else:
                return kind, sequence, json.loads(data)

    def expect(self, wanted):
        kind, _, message = self.receive()
        if kind in (REFUSE, BYE):
            raise Refused(message.get("error", {}).get("message") or message.get("reason"))
        if kind != wanted:
            raise ConnectionError(f"message {kind} where {wanted} was due")
        return message

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the coordinator is gone")
            data += more
        return data
