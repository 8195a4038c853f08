#!/usr/bin/env python3
"""A requestor: backs up everything the writers have into a folder and tells them with a receipt.

requestor.py SOCKET TARGET
"""
import fnmatch
import hashlib
import json
import os
import shutil
import sys
import time

import wire


class Coordinator:
    """Requests and their replies, one at a time."""

    def __init__(self, path):
        self._wire = wire.Wire(path, "requestor", "python-backup")
        self._sequence = 0

    def call(self, method, **params):
        self._sequence += 1
        self._wire.send(wire.REQUEST, self._sequence, {"method": method, "params": params})
        while True:
            kind, sequence, message = self._wire.receive()
            if kind == wire.BYE:
                raise wire.Refused(message["reason"])
            if kind != wire.REPLY or sequence != self._sequence:
                continue  # progress, which this sample does not show
            if "error" in message:
                raise wire.Refused(f"{method}: {message['error']['message']}")
            return message["result"]


def files_of(component):
    """Paths on the live system that its file sets name."""
    for files in component.get("files", []):
        for folder, _, names in os.walk(files["path"]):
            for name in fnmatch.filter(names, files["pattern"]):
                yield os.path.join(folder, name)
            if not files.get("recursive"):
                break


def place_in_snapshot(path, snapshots):
    """Where the file is in the snapshot of the volume it lies on: the one mounted deepest."""
    holding = [s for s in snapshots if os.path.commonpath([path, s["volume"]["mount_point"]])
               == s["volume"]["mount_point"]]
    snapshot = max(holding, key=lambda s: len(s["volume"]["mount_point"]))
    return os.path.join(snapshot["root"], os.path.relpath(path, snapshot["volume"]["mount_point"]))


def copy(writers, snapshots, target):
    """Copies every file, durably; answers the manifest: path to SHA-256."""
    manifest = {}
    for writer in writers:
        for component in writer.get("metadata", {}).get("components", []):
            for path in files_of(component):
                out = os.path.join(target, path.lstrip("/"))
                os.makedirs(os.path.dirname(out), exist_ok=True)
                shutil.copyfile(place_in_snapshot(path, snapshots), out)
                with open(out, "rb") as data:
                    manifest[path] = hashlib.sha256(data.read()).hexdigest()
                    os.fsync(data.fileno())
    return manifest


def publish(manifest, target):
    """Writes the manifest last and durably; answers its SHA-256, which the receipt carries."""
    text = json.dumps(manifest, sort_keys=True).encode()
    with open(os.path.join(target, "manifest.json"), "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    folder = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)
    return hashlib.sha256(text).hexdigest()


def back_up(coordinator, target):
    session = coordinator.call("backup.begin", options={"type": "full"})["session"]
    writers = coordinator.call("backup.gather", session=session)["writers"]
    coordinator.call("backup.select", session=session, selectors=[{"component": "*"}])
    coordinator.call("backup.prepare", session=session)
    made = coordinator.call("backup.snapshot", session=session, options={"attributes": {}})
    manifest = copy(writers, made["snapshots"], target)
    document = coordinator.call("backup.document", session=session)["document"]
    receipt = {"backup": document["backup"], "session": session, "set": made["set"],
               "manifest_sha256": publish(manifest, target), "published": time.time_ns()}
    results = [{"writer_class": c["writer_class"], "instance_name": c.get("instance_name", ""),
                "component": {key: c[key] for key in ("name", "logical_path") if key in c},
                "succeeded": True} for c in document["components"]]
    coordinator.call("backup.complete", session=session, receipt=receipt, results=results)
    evidence = coordinator.call("backup.end", session=session)["evidence"]
    return evidence, len(manifest)


def main():
    target = sys.argv[2]
    os.makedirs(target, exist_ok=True)
    evidence, files = back_up(Coordinator(sys.argv[1]), target)
    print(json.dumps({"files": files, "label": evidence["label"], "outcome": evidence["outcome"]}))
    return 0 if evidence["outcome"] == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())
