#!/usr/bin/env python3
"""A writer: an application that appends a line to DIRECTORY/ticks.log every 10 ms and stops while it is held.

writer.py SOCKET DIRECTORY
"""
import os
import sys
import threading
import time
import uuid

import wire

CLASS_ID = "9b4f0c52-6f1c-4a64-9f0e-5d2f6e9c7b31"  # of this application, the same on every machine
INSTANCE = str(uuid.uuid4())                       # of this process
IDENTITY = {"class_id": CLASS_ID, "name": "ticker", "instance_name": "ticker-1",
            "version": {"major": 1, "minor": 0}, "usage": "user_data", "source": "other",
            "capabilities": 1}                     # 1: takes part in snapshots


class Application:
    """What is backed up. freeze() returns when no write is under way and none will begin."""

    def __init__(self, directory):
        self.directory = os.path.realpath(directory)
        self._file = open(os.path.join(self.directory, "ticks.log"), "a", encoding="ascii")
        self._may_write = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            with self._may_write:
                self._file.write(f"{wire.boot_ns()}\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            time.sleep(0.01)

    def freeze(self):
        self._may_write.acquire()

    def thaw(self):
        self._may_write.release()


class Hold:
    """One freeze, which ends by itself: at its limit, or when the coordinator falls silent."""

    def __init__(self, application, limit_ns, lease_ns):
        self._application, self._lease_ns = application, lease_ns
        self._end = wire.boot_ns() + limit_ns
        application.freeze()
        self._from, self._until, self._broken = wire.boot_ns(), None, ""
        self._changed = threading.Condition()
        self._heard = wire.boot_ns()
        threading.Thread(target=self._watch, daemon=True).start()

    def heartbeat(self):
        with self._changed:
            self._heard = wire.boot_ns()

    def _watch(self):
        with self._changed:
            while self._until is None:
                left = min(self._end, self._heard + self._lease_ns) - wire.boot_ns()
                if left <= 0:
                    self._release("its limit passed" if wire.boot_ns() >= self._end
                                  else "the coordinator fell silent")
                else:
                    self._changed.wait(left / 1e9)

    def _release(self, broken):
        if self._until is None:
            self._until, self._broken = wire.boot_ns(), broken
            self._application.thaw()
            self._changed.notify_all()

    def end(self, broken=""):
        with self._changed:
            self._release(broken)
            return {"held_from": self._from, "held_until": self._until,
                    "unbroken": not self._broken, "broken_because": self._broken}


def metadata(application):
    return {"format": "stillframe-writer-metadata", "version": {"major": 1, "minor": 0},
            "identity": IDENTITY, "instance": INSTANCE,
            "process": {"pid": os.getpid(), "uid": os.getuid()},
            "restore": {"method": "restore_if_can_replace"}, "schema": 0x10,
            "components": [{"type": "file_group", "name": "ticks",
                            "files": [{"path": application.directory, "pattern": "ticks.log"}]}]}


def carry_out(application, holds, call):
    """The payload of the answer to one verb."""
    verb, session = call["verb"], call.get("session")
    if verb == "identify":
        return metadata(application)
    if verb == "prepare_backup":
        return call["args"]  # nothing to add to the document
    if verb == "post_snapshot":
        return call["args"]["backup"]
    if verb == "freeze":
        holds[session] = Hold(application, call["hold_limit_ns"], call["lease_ns"])
    if verb == "thaw":
        return holds.pop(session).end()
    if verb in ("abort", "shutdown") and session in holds:
        holds.pop(session).end("the session was aborted")
    return {}


def serve(application, path):
    """One registration, until the coordinator goes."""
    connection = wire.Wire(path, "writer", IDENTITY["name"])
    connection.send(wire.REGISTER, 0, {"identity": IDENTITY, "instance": INSTANCE, "clock": wire.clock()})
    connection.expect(wire.REGISTERED)
    print("registered", flush=True)
    holds = {}
    try:
        while True:
            kind, sequence, message = connection.receive()
            if kind == wire.CALL:
                connection.send(wire.ANSWER, sequence, {"payload": carry_out(application, holds, message)})
            elif kind == wire.HEARTBEAT and message["session"] in holds:
                holds[message["session"]].heartbeat()
            elif kind == wire.BYE:
                return
    finally:
        for hold in holds.values():
            hold.end("the connection ended")
        connection.close()


def main():
    application = Application(sys.argv[2])
    while True:
        try:
            serve(application, sys.argv[1])
        except (ConnectionError, FileNotFoundError):
            time.sleep(0.1)


if __name__ == "__main__":
    main()
