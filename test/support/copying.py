"""Programs and helpers for the tests of copy-binary: small stand-ins for Pump and Drainer that answer -V, -help and a
stray word, made by the C compiler; calls in both faces; a picture of a directory tree."""
import contextlib
import hashlib
import json
import os
import pathlib
import subprocess

from . import tool

SOURCE = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "-V")) {
    if (HANG) for (;;) pause();
    printf("%s", VERSION_TEXT);
    return VERSION_STATUS;
  }
  if (argc > 1 && !strcmp(argv[1], "-help")) return fprintf(stderr, "Usage of %s:\n  -V\n", NAME), 0;
  if (argc > 3 && !strcmp(argv[1], "-config")) {
    char text[4096] = {0};
    FILE* f = fopen(argv[2], "r");
    if (!f) return printf("cannot open %s\n", argv[2]), 1;
    if (fread(text, 1, sizeof text - 1, f) && strstr(text, "no-such-key"))
      return fprintf(stderr, "[FATAL] config file contained unknown configuration options: no-such-key\n"), 1;
    return fprintf(stderr, "[FATAL] [error=\"'%s' is not a valid flag\"]\n", argv[3]), 1;
  }
  for (;;) pause();
}
"""
HASH = "0123456789abcdef0123456789abcdef01234567"


def labels(version):
    return f"Release Version: {version}\\nGit Commit Hash: {HASH}\\nBuild TS: 2021\\n"


def program(path, name="pump", version="v4.0.16", text=None, status=0, hang=False, options=()):
    text = labels(version) if text is None else text
    subprocess.run(["gcc", "-x", "c", "-O1", "-o", path, *options, f'-DNAME="{name}"', f'-DVERSION_TEXT="{text}"',
                    f"-DVERSION_STATUS={status}", f"-DHANG={int(hang)}", "-"], input=SOURCE, text=True, check=True)
    return pathlib.Path(path)


def sha256(path_or_bytes):
    data = path_or_bytes if isinstance(path_or_bytes, bytes) else pathlib.Path(path_or_bytes).read_bytes()
    return hashlib.sha256(data).hexdigest()


def command(options):
    words = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if name.startswith("_ansible"):
            if value:
                words.append({"_ansible_check_mode": "--check", "_ansible_diff": "--diff"}[name])
        elif isinstance(value, list):
            words += [f"{flag}={json.dumps(each) if isinstance(each, dict) else each}" for each in value]
        elif isinstance(value, dict):
            words += [flag, json.dumps(value)]
        elif value is True:
            words.append(flag)
        else:
            words.append(f"{flag}={value}")
    return words


def as_command(folder, **options):
    return tool.run("copy-binary", *command(options))


def as_module(folder, **options):
    args = pathlib.Path(folder) / "args"
    args.write_text(json.dumps({"_ansible_version": "2.14", "_ansible_tmpdir": None, **options}, default=str))
    call = tool.run("copy-binary", args)
    args.unlink()
    assert call.stderr == "", "in module face stderr stays empty"
    return call


FACES = {"command": as_command, "module": as_module}


def done(call):
    """A call that must have succeeded."""
    assert call.status == 0 and call["failed"] is False, call
    return call


def tree(folder):
    """Everything below folder: kind, mode, owner, group and content."""
    picture = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else sha256(path) if path.is_file() else None
        picture[str(path.relative_to(folder))] = (oct(status.st_mode), status.st_uid, status.st_gid, content)
    return picture


@contextlib.contextmanager
def mounted(folder, options):
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
