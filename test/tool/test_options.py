"""Every option of every tool, given what it can't be: a usage error that names it, in both faces."""
import functools
import json
import subprocess

import pytest
import yaml

from support import paths, tool

# What must be there for the option itself to be looked at.
REQUIRED = {"copy-binary": {}, "rolling-restart": {"component": "pump"}, "wait-synced": {"drainers": "h:1"},
            "decommission-legacy": {"component": "pump"}}
NONSENSE = {"int": "many", "float": "soon", "bool": "perhaps", "dict": "[", "list": None, "str": None, "path": None, "raw": None}


@functools.cache
def options_of(name):
    docs = subprocess.run([paths.tool(name), "--docs"], capture_output=True, text=True, check=True).stdout
    return yaml.safe_load(docs)["DOCUMENTATION"]["options"]


def bad_values(option):
    if option.get("choices"):
        yield "none of them"
    if option.get("elements") == "dict":
        yield "[1]"
    if NONSENSE[option["type"]]:
        yield NONSENSE[option["type"]]


def bad_json_values(option):
    yield from bad_values(option)
    if option["type"] in ("str", "path", "list") and option.get("elements") != "dict":
        yield "a\0b"
    if option["type"] != "raw":
        yield [{}] if option["type"] == "list" and option.get("elements") == "str" else 0.5 if option["type"] != "float" else []


def assert_named(call, option):
    assert (call.status, call.code, call["failed"], call["changed"]) == (100, "usage", True, False), call
    assert option in call["msg"] or option.replace("_", "-") in call["msg"], call


@pytest.mark.parametrize("name", REQUIRED)
def test_on_the_command_line(name):
    tried = 0
    for option, known in options_of(name).items():
        for value in bad_values(known):
            words = {**REQUIRED[name], option: value}
            assert_named(tool.run(name, *(f"--{key.replace('_', '-')}={text}" for key, text in words.items())), option)
            tried += 1
    assert tried > 3


@pytest.mark.parametrize("name", REQUIRED)
def test_in_an_args_file(name, tmp_path):
    args = tmp_path / "args"
    for option, known in options_of(name).items():
        for value in bad_json_values(known):
            args.write_text(json.dumps({**REQUIRED[name], option: value}), encoding="utf-8")
            assert_named(tool.run(name, args), option)
