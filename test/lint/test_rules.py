"""Rules of the tree that a reader would check by hand."""
import re
import subprocess

import pytest

from support import paths

# Each library may include only those named behind it.
LIBRARIES = {"core": [], "process": ["core"], "http": ["core"], "binlog": ["http", "core"], "service": ["process", "core"],
             "files": ["process", "core"], "module": ["core"]}


def sources(folder):
    return [path for path in sorted((paths.REPO / folder).rglob("*.[ch]pp"))]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_includes_only_those_below_it(library):
    for path in sources(f"lib/{library}"):
        for included in re.findall(r'#include "(\w+)/', path.read_text(encoding="utf-8")):
            assert included in LIBRARIES[library] + [library], f"{path} includes {included}"


def test_tools_do_not_include_each_other():
    names = {path.name for path in (paths.REPO / "tools").iterdir() if path.is_dir()}
    for tool in names:
        for path in sources(f"tools/{tool}"):
            for included in re.findall(r'#include "([\w-]+)/', path.read_text(encoding="utf-8")):
                assert included not in names - {tool}, f"{path} includes {included}"


def test_nothing_below_the_front_end_prints_or_exits():
    for path in sources("lib"):
        if path.parts[-2] == "module":
            continue
        # Programs are found on the caller's PATH, as execvp does.
        code = path.read_text(encoding="utf-8").replace('getenv("PATH")', "")
        found = re.search(r"\b(std::cout|std::cerr|printf\(|fmt::print|std::exit|::exit\(|getenv)", code)
        assert not found, f"{path} uses {found.group(0)}"


def test_nothing_kills():
    for path in sources("lib") + sources("tools"):
        code = re.sub(r"//.*|\"[^\"\n]*\"", "", path.read_text(encoding="utf-8"))
        assert "SIGKILL" not in code, f"{path} uses SIGKILL"


@pytest.mark.parametrize("tool", ["copy-binary", "rolling-restart", "wait-synced", "decommission-legacy"])
def test_the_contract_page_names_every_error_code_it_can_give(tool):
    """Codes used in the tool's own sources are on its page or are the common ones of the README."""
    page = (paths.REPO / f"tools/{tool}/README.md").read_text(encoding="utf-8")
    used = {code for path in sources(f"tools/{tool}") for code in re.findall(r"errc::(\w+)", path.read_text(encoding="utf-8"))}
    common = {"usage", "system_failure", "network_failure", "timed_out", "bad_answer"}
    assert not {code for code in used - common if f"`{code}`" not in page}


@pytest.mark.parametrize("tool", ["copy-binary", "rolling-restart", "wait-synced", "decommission-legacy"])
def test_help_and_docs_come_out_and_name_every_option(tool):
    help_text = subprocess.run([paths.tool(tool), "--help"], check=True, capture_output=True, text=True).stdout
    docs = subprocess.run([paths.tool(tool), "--docs"], check=True, capture_output=True, text=True).stdout
    options = re.findall(r"^ +--([\w-]+)", help_text, re.M)
    assert len(options) > 10
    for option in set(options) - {"help", "version", "docs", "progress", "check", "diff"}:
        assert re.search(rf"^ +{option.replace('-', '_')}:", docs, re.M), f"{option} is not in --docs"
