#!/usr/bin/env python3
"""What writers and requestors of every protocol once said, said again to today's daemon: it must be
understood, and answered as that version was.

usage: replay_test.py STILLFRAMED HELPERS CONVERSATIONS
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import frames

DAEMON, HELPERS, CONVERSATIONS = (pathlib.Path(word).resolve() for word in sys.argv[1:])
PATIENCE = 60
LEASE_MS = 2000  # time enough for three answers, on any machine
BEATS = 5        # signs of life within a hold; three unanswered ones end one of protocol 2
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Members that a later daemon answers with the same value, not only with one of the same type.
SAME = {"protocol", "label", "outcome", "verb", "phase", "event", "name"}


def recorded(name):
    lines = (CONVERSATIONS / name).read_text(encoding="utf-8").splitlines()
    messages = [json.loads(line) for line in lines]
    for message in messages:
        message["payload"] = json.loads(message["payload"])
    return messages


class Difference(AssertionError):
    pass


class Replay:
    """What both replays share: ids and places of then, and what stands for them now."""

    def __init__(self, base, strict):
        self.base, self.strict, self.now_for = str(base), strict, {}

    def take(self, then, now, path=""):
        """Everything that was said then is said now, in the same form; more may be. Learns the ids."""
        if isinstance(then, dict):
            if not isinstance(now, dict):
                raise Difference(f"{path}: {now!r} is no object")
            for name, value in then.items():
                if name in now:
                    self.take(value, now[name], f"{path}.{name}")
                elif self.strict:
                    raise Difference(f"{path}.{name}: was {value!r}, is gone")
        elif isinstance(then, list):
            if not isinstance(now, list) or bool(then) != bool(now):
                raise Difference(f"{path}: was {then!r}, is {now!r}")
            for i, (one, other) in enumerate(zip(then, now)):
                self.take(one, other, f"{path}[{i}]")
        elif type(then) is not type(now):
            raise Difference(f"{path}: was {then!r}, is {now!r}")
        elif isinstance(then, str) and ID.fullmatch(then) and ID.fullmatch(now):
            self.now_for[then] = now
        elif self.strict and path.rsplit(".", 1)[-1] in SAME and then != now:
            raise Difference(f"{path}: was {then!r}, is {now!r}")

    def today(self, then):
        """The same with the ids, places and clocks of now."""
        if isinstance(then, dict):
            if set(then) == {"boot_ns", "time_namespace"}:
                return frames.clock()
            return {name: self.today(value) for name, value in then.items()}
        if isinstance(then, list):
            return [self.today(value) for value in then]
        if isinstance(then, str):
            return self.now_for.get(then, then).replace("@BASE@", self.base)
        return then


class Writer(Replay, threading.Thread):
    """Answers each verb as the recorded writer did."""

    def __init__(self, base, name, strict):
        Replay.__init__(self, base, strict)
        threading.Thread.__init__(self, daemon=True)
        self.messages = recorded(name)
        self.failure, self.verbs, self.beats = None, [], 0
        self._held = {}
        self._connection = frames.Connection(base / "run/writer.sock")
        hello, welcome, register, registered = self.messages[:4]
        for sent, answered in ((hello, welcome), (register, registered)):
            self._connection.send(sent["kind"], 0, self.today(sent["payload"]))
            kind, _, payload = self._connection.receive()
            if kind != answered["kind"]:
                raise Difference(f"{kind} where {answered['kind']} was due: {payload}")
            self.take(answered["payload"], payload, answered["kind"])
        self.protocol = welcome["payload"]["protocol"]

    def run(self):
        try:
            while message := self._connection.receive():
                kind, sequence, payload = message
                if kind == "heartbeat":
                    self.beats += 1
                    if self.protocol >= 2:
                        self._connection.send("heartbeat", 0, payload)
                elif kind == "call":
                    self._connection.send("answer", sequence, self.answer(payload))
                    self.verbs.append(payload["verb"])
        except OSError as gone:
            self.failure = self.failure or gone
        except Difference as difference:
            self.failure = difference
            self._connection.end()

    def answer(self, call):
        then, said = self.of_verb(call["verb"])
        self.take(then, call, call["verb"])
        if call["verb"] == "freeze":
            self._held["held_from"] = frames.boot_ns()
        if call["verb"] == "thaw":
            return {"payload": {**said["payload"], **self._held, "held_until": frames.boot_ns()}}
        # Many give back what they were asked.
        for was, now in ((then["args"], call["args"]), (then["args"].get("backup"), call["args"].get("backup"))):
            if was and said["payload"] == was:
                return {"payload": now}
        return self.today(said)

    def of_verb(self, verb):
        for i, message in enumerate(self.messages):
            if message["kind"] == "call" and message["payload"]["verb"] == verb:
                return message["payload"], next(later["payload"] for later in self.messages[i:]
                                                if later["kind"] == "answer"
                                                and later["sequence"] == message["sequence"])
        raise Difference(f"{verb} was never asked of it")

    def wait_for_beats(self):
        end = time.monotonic() + PATIENCE
        while self.beats < BEATS and self.is_alive():
            if time.monotonic() > end:
                raise Difference(f"{self.beats} signs of life within {PATIENCE} s")
            time.sleep(0.02)

    def stop(self):
        self._connection.end()
        self.join(PATIENCE)
        self._connection.close()


class Requestor(Replay):
    """Asks what the recorded requestor asked."""

    def __init__(self, base, name, strict):
        Replay.__init__(self, base, strict)
        self.messages = recorded(name)
        self.phases, self.evidence = [], None
        self._connection = frames.Connection(base / "run/requestor.sock")

    def run(self, while_held):
        methods = {}
        then = [message["payload"]["phase"] for message in self.messages
                if message["kind"] == "event" and message["payload"]["event"] == "state"]
        for message in self.messages:
            kind, sequence, payload = message["kind"], message["sequence"], message["payload"]
            if message["from"] == "requestor":
                if kind == "bye":
                    self.see(then[-1])
                methods[sequence] = payload.get("method")
                self._connection.send(kind, sequence, self.today(payload))
            elif kind in ("welcome", "reply"):
                now = self.wait_for(kind, sequence)
                self.take(payload, now, methods[sequence] or kind)
                self.evidence = now.get("result", {}).get("evidence", self.evidence)
                if methods[sequence] == "backup.hold_begin":
                    while_held()
        self.see(then[-1])
        self._connection.close()
        left = iter(self.phases)
        if self.strict and not all(phase in left for phase in then):
            raise Difference(f"phases: were {then}, are {self.phases}")

    def see(self, phase):
        while phase not in self.phases:
            self.wait_for("event", 0)

    def wait_for(self, wanted, wanted_sequence):
        while message := self._connection.receive():
            kind, sequence, payload = message
            if kind == "event" and payload["event"] == "state":
                self.phases.append(payload["phase"])
            if (kind, sequence) == (wanted, wanted_sequence):
                if "error" in payload:
                    raise Difference(payload["error"]["message"])
                return payload
        raise Difference(f"the connection ended before a {wanted} of {wanted_sequence}")


class Conversations(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sfrp.")
        self.addCleanup(folder.cleanup)
        self.base = pathlib.Path(folder.name).resolve()
        (self.base / "data").mkdir()
        for name in ("ticks.log", "notes.txt"):
            (self.base / "data" / name).write_text("a line\n")
        config = self.base / "stillframe.toml"
        config.write_text(f'[daemon]\nstate_dir = "{self.base}/state"\nruntime_dir = "{self.base}/run"\n'
                          f'helper_dir = "{HELPERS}"\n[limits]\nlease_ms = {LEASE_MS}\n')
        config.chmod(0o600)
        log = open(self.base / "log", "wb")
        self.addCleanup(log.close)
        daemon = subprocess.Popen([DAEMON, "--config", config], stderr=log)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        end = time.monotonic() + PATIENCE
        while not (self.base / "run/requestor.sock").exists():
            self.assertLess(time.monotonic(), end, (self.base / "log").read_text())
            time.sleep(0.02)

    def replay(self, writer_file, requestor_file, strict=True):
        writer = Writer(self.base, writer_file, strict)
        writer.start()
        self.addCleanup(writer.stop)
        requestor = Requestor(self.base, requestor_file, strict)
        requestor.run(while_held=writer.wait_for_beats)
        self.assertIsNone(writer.failure)
        self.assertEqual([one["label"] for one in requestor.evidence["components"]],
                         ["application-consistent"], requestor.evidence)
        return writer, requestor

    def test_a_backup_of_protocol_1(self):
        writer, requestor = self.replay("writer-1.jsonl", "requestor-1.jsonl")
        self.assertEqual(requestor.evidence["outcome"], "completed")
        self.assertIn("backup_complete", writer.verbs)

    def test_a_backup_of_protocol_2(self):
        writer, requestor = self.replay("writer-2.jsonl", "requestor-2.jsonl")
        self.assertEqual(requestor.evidence["outcome"], "completed")
        self.assertIn("backup_complete", writer.verbs)

    def test_a_hold_of_protocol_2(self):
        writer, _ = self.replay("writer-2-hold.jsonl", "requestor-2-hold.jsonl")
        self.assertGreaterEqual(writer.beats, BEATS)

    def test_a_writer_of_protocol_1_need_not_send_heartbeats_back(self):
        writer, _ = self.replay("writer-1.jsonl", "requestor-2-hold.jsonl", strict=False)
        self.assertGreaterEqual(writer.beats, BEATS)

    def test_every_recorded_conversation_is_replayed(self):
        here = pathlib.Path(__file__).read_text(encoding="utf-8")
        for file in CONVERSATIONS.glob("*.jsonl"):
            self.assertIn(f'"{file.name}"', here)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
