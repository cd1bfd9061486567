"""The two sides as processes that answer a line with a line; they are started again when they die."""
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

SECONDS = 60
MEMORY = 12 << 30


class Died(Exception):
    """Of a signal, or of too much time."""


class Peer:
    def __init__(self, command):
        self.command = command
        self.process = None

    def start(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, preexec_fn=limit, bufsize=0)
        self.rest = b""

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def send(self, what):
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
        except BrokenPipeError:
            self.end()

    def receive(self):
        until = time.monotonic() + SECONDS
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], until - time.monotonic())
            if not ready:
                self.stop()
                raise Died("no answer")
            read = os.read(self.process.stdout.fileno(), 1 << 20)
            if not read:
                self.end()
            self.rest += read
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def end(self):
        code = self.process.wait()
        self.process = None
        raise Died(signal.Signals(-code).name if code < 0 else f"exit code {code}")


class TensorFlow:
    """Returns the program and its answer; no answer when TensorFlow died of it."""

    def __init__(self, folder):
        self.peer = Peer([sys.executable, str(folder / "oracle.py")])

    def ask(self, what):
        program = None
        try:
            self.peer.send(what)
            program = self.peer.receive()["program"]
            return program, self.peer.receive()["answer"]
        except Died:
            return program, None

    def draw(self, seed):
        return self.ask({"draw": seed})

    def answer(self, program):
        return self.ask({"program": program})[1]


class Varscope:
    def __init__(self, binary):
        self.peer = Peer([str(binary)])

    def answer(self, program):
        """A death is an answer too."""
        try:
            self.peer.send(program)
            return self.peer.receive()
        except Died as death:
            return {"died": str(death)}
