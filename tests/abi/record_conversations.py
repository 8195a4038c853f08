#!/usr/bin/env python3
"""Records what real writers and requestors say to a real daemon: run it when the protocol gets a new
version. README.md in conversations/ says what the files are.

usage: record_conversations.py BUILD_FOLDER TARGET_FOLDER
"""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

import frames

BUILD, TARGET = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
BEATS_KEPT = 2  # they are all alike


class Recorder:
    """Listens in the place of a socket of the daemon, passes everything on, and writes it down."""

    def __init__(self, listen, real, peer):
        self._real, self._peer = str(real), peer
        self._lock, self.messages = threading.Lock(), []
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(listen))
        self._listening.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            peer, _ = self._listening.accept()
            daemon = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            daemon.connect(self._real)
            for source, sink, who in ((peer, daemon, self._peer), (daemon, peer, "coordinator")):
                threading.Thread(target=self._pump, args=(source, sink, who), daemon=True).start()

    def _pump(self, source, sink, who):
        reader = frames.Reader()
        try:
            while data := source.recv(1 << 16):
                for kind, sequence, payload in reader.feed(data):
                    with self._lock:
                        self.messages.append({"from": who, "kind": kind, "sequence": sequence,
                                              "payload": payload})
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return  # one of them is gone: the end of the conversation


def write(name, messages, replacements):
    beats, lines = {}, []
    for message in messages:
        if message["kind"] == "heartbeat":
            beats[message["from"]] = beats.get(message["from"], 0) + 1
            if beats[message["from"]] > BEATS_KEPT:
                continue
        for pattern, instead in replacements.items():
            message["payload"] = re.sub(pattern, instead, message["payload"])
        lines.append(json.dumps(message))
    (TARGET / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(lines)} messages")


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "not within a minute"
        time.sleep(0.02)


def record(writer_command, requestor_command, writer_file, requestor_file):
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)
        for name in ("proxy", "data", "target"):
            (base / name).mkdir()
        config = base / "stillframe.toml"
        config.write_text(f'[daemon]\nstate_dir = "{base}/state"\nruntime_dir = "{base}/run"\n'
                          f'helper_dir = "{BUILD}/bin"\n[limits]\nlease_ms = 200\n')
        config.chmod(0o600)
        daemon = subprocess.Popen([BUILD / "bin/stillframed", "--config", config], stderr=subprocess.DEVNULL)
        wait_for((base / "run/requestor.sock").exists)
        recorders = {peer: Recorder(base / f"proxy/{peer}.sock", base / f"run/{peer}.sock", peer)
                     for peer in ("writer", "requestor")}
        environment = dict(os.environ, STILLFRAME_SOCKET_DIR=str(base / "proxy"))
        writer = subprocess.Popen(writer_command(base), stdin=subprocess.PIPE, env=environment,
                                  stdout=subprocess.DEVNULL)
        wait_for(lambda: any(one["kind"] == "registered" for one in recorders["writer"].messages))
        writer.stdin.write(b"a line\n")
        writer.stdin.flush()
        wait_for(lambda: any((base / "data").iterdir()))
        subprocess.run(requestor_command(base), env=environment, check=True, stdout=subprocess.DEVNULL)
        wait_for(lambda: '"shutdown"' in recorders["writer"].messages[-2]["payload"])
        instead = {re.escape(str(base)): "@BASE@", r'"executable":"[^"]*"': '"executable":"@BASE@/program"',
                   rf'(?<=["@]){re.escape(socket.gethostname())}"': 'recorded-host"'}
        for peer, file in (("writer", writer_file), ("requestor", requestor_file)):
            write(file, list(recorders[peer].messages), instead)
        for process in (writer, daemon):
            process.terminate()
            process.wait()


def main():
    samples, programs = SOURCE / "samples/python", BUILD / "bin"
    python_writer = lambda base: [sys.executable, samples / "writer.py", base / "proxy/writer.sock", base / "data"]
    python_requestor = lambda base: [sys.executable, samples / "requestor.py", base / "proxy/requestor.sock",
                                     base / "target"]
    sdk_writer = lambda base: [programs / "first_writer", base / "data"]
    backup = lambda base: [programs / "stillframe", "backup", base / "target"]
    hold = lambda base: [programs / "stillframe", "hold", "--", "sleep", "0.5"]
    record(python_writer, python_requestor, "writer-1.jsonl", "requestor-1.jsonl")
    record(sdk_writer, backup, "writer-2.jsonl", "requestor-2.jsonl")
    record(sdk_writer, hold, "writer-2-hold.jsonl", "requestor-2-hold.jsonl")


if __name__ == "__main__":
    main()
