"""The last words of a failed run (playbooks/callback_plugins/verdict.py), read back as a person would."""
import re


def read(run):
    """{host: {found, now, to do, where}} of the paragraphs below the last heading, and the lines of the other hosts."""
    assert run.status != 0, f"went through:\n{run.output}"
    assert "Traceback" not in run.output
    text = run.output.rpartition("WHAT FAILED, AND WHAT TO DO")[2].partition("\n")[2]
    print(f"\n{text}")
    assert not re.search(r'[{}]|\\n|": ', text), "a person shall read this"
    assert len(text.strip().splitlines()) <= 16
    failed, others, host = {}, {}, None
    for line in text.strip().splitlines():
        if match := re.fullmatch(r"(.+): FAILED \((.+)\)", line):
            host = match[1]
            failed[host] = {"where": match[2]}
        elif match := re.fullmatch(r"  (found|now|to do): +(\S.*)", line):
            last = match[1]
            failed[host][last] = match[2]
        elif line.startswith("         "):
            failed[host][last] += " " + line.strip()
        else:
            name, _, standing = line.partition(": ")
            others[name] = standing
    assert all(set(each) == {"where", "found", "now", "to do"} for each in failed.values()), failed
    return failed, others
