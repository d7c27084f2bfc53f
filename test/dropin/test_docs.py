"""What operators read: ansible-doc of the modules, and the roles' tables of variables."""
import os
import re
import subprocess

import pytest
import yaml

from support import paths

MODULES = ["copy-binary", "rolling-restart", "wait-synced", "decommission-legacy"]
ROLES = ["common", "pump", "drainer", "migration", "legacy"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """What install_modules makes of the built tools."""
    folder = tmp_path_factory.mktemp("modules")
    build = folder / "build"
    (build / "bin").mkdir(parents=True)
    for module in MODULES:
        os.symlink(paths.LIBRARY / module, build / "bin" / module)
    script = f'. support/setup.sh; install_modules "{folder}/library" {" ".join(MODULES)}'
    subprocess.run(["bash", "-euc", script], cwd=paths.TESTS, check=True, env={**os.environ, "TBU_BUILD": str(build)})
    return folder / "library"


@pytest.mark.parametrize("name", MODULES + [module.replace("-", "_") for module in MODULES])
def test_ansible_doc_shows_every_option_of_the_module(library, name):
    shown = subprocess.run(["/usr/bin/ansible-doc", "-M", library, name], check=True, capture_output=True, text=True,
                           env={**os.environ, "ANSIBLE_NOCOLOR": "1"}).stdout
    options = yaml.safe_load((library / f"{name}.yml").read_text(encoding="utf-8"))["DOCUMENTATION"]["options"]
    assert set(options) <= set(re.findall(r"^[-=] (\w+)$", shown, re.M))
    assert "EXAMPLES:" in shown and "RETURN VALUES:" in shown


def test_every_role_is_looked_at():
    assert {path.name for path in (paths.REPO / "roles").iterdir()} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_readme_lists_its_variables_as_argument_specs_has_them(role):
    readme = (paths.REPO / f"roles/{role}/README.md").read_text(encoding="utf-8")
    table = readme[readme.index("| variable |"):]
    assert re.findall(r"^\| `\w+` \|.*$", table, re.M) == [row(name, option) for name, option in options_of(role).items()]


@pytest.mark.parametrize("role", ROLES)
def test_argument_specs_repeat_the_defaults(role):
    defaults = {name: value for part in {"common", role}
                for name, value in yaml.safe_load((paths.REPO / f"roles/{part}/defaults/main.yml").read_text(encoding="utf-8")).items()}
    options = options_of(role)
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    assert all("default" in option or option.get("required") for option in options.values())


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_readme_lists_its_entry_points(role):
    readme = (paths.REPO / f"roles/{role}/README.md").read_text(encoding="utf-8")
    tasks = {path.stem for path in (paths.REPO / f"roles/{role}/tasks").glob("*.yml")}
    assert tasks <= set(re.findall(r"`(\w+)`", readme))


def options_of(role):
    specs = yaml.safe_load((paths.REPO / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return specs["argument_specs"]["defaults" if role == "common" else "preflight"]["options"]


def row(name, option):
    default = "required" if option.get("required") else f"`{shown(option['default'])}`"
    choices = [choice or "empty" for choice in option.get("choices", [])]
    more = f" {'Any' if option['type'] == 'list' else 'One'} of: {', '.join(choices)}." if choices else ""
    return f"| `{name}` | {default} | {option['description']}{more} |"


def shown(default):
    if isinstance(default, bool):
        return str(default).lower()
    return f'"{default}"' if default == "" or "{{" in str(default) else str(default)
