"""Where things are. TBU_BUILD, TBU_PEERS and TBU_LIBRARY choose other builds of the tools, stand-ins and modules."""
import os
import pathlib

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TBU_BUILD", REPO / "build"))
PEERS = pathlib.Path(os.environ.get("TBU_PEERS", BUILD / "peers"))
LIBRARY = pathlib.Path(os.environ.get("TBU_LIBRARY", REPO / "playbooks/library"))
PLAYBOOKS = REPO / "playbooks"
TESTS = REPO / "test"
SUPPORT = TESTS / "support"


def tool(name):
    """A tool as a command; the modules are the same executables."""
    return str(LIBRARY / name)


def peer(name):
    return str(PEERS / name)
