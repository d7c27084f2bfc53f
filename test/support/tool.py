"""Running a tool, in either face, and reading its one JSON object."""
import json
import subprocess

from . import paths


class Call:
    def __init__(self, status, stdout, stderr):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.result = one_object(stdout)

    def __getitem__(self, key):
        return self.result[key]

    @property
    def code(self):
        return self.result.get("error", {}).get("code")

    def __repr__(self):
        return f"status {self.status}: {self.stdout.strip()} {self.stderr.strip()}"


def one_object(text):
    """stdout's contract: exactly one JSON object and a newline."""
    assert text.endswith("\n") and text.count("\n") >= 1, f"stdout does not end in a newline: {text!r}"
    decoded, end = json.JSONDecoder().raw_decode(text)
    assert isinstance(decoded, dict), f"not an object: {text!r}"
    assert text[end:] == "\n", f"more than one object on stdout: {text!r}"
    return decoded


def start(name, *arguments, environment=None):
    return subprocess.Popen([paths.tool(name), *map(str, arguments)], stdin=subprocess.DEVNULL, env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def finish(process, timeout=120):
    stdout, stderr = process.communicate(timeout=timeout)
    return Call(process.returncode, stdout, stderr)


def run(name, *arguments, environment=None, timeout=120):
    return finish(start(name, *arguments, environment=environment), timeout)
