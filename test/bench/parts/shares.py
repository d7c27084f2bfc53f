"""Where the time of one measured run went: every moment belongs to the first of KINDS that was going on anywhere. No I/O."""
KINDS = ("pump", "wait", "tool", "ssh", "ansible")
MEANING = {"pump": "the Pump's own stop and start", "wait": "stable_for and settle, as asked for",
           "tool": "the tool at work on a host", "ssh": "SSH and SFTP calls (stock: the modules' own work in them)",
           "ansible": "Ansible on the control host"}


def tools(run):
    """[host, task, begun, ended, phases] of every task whose result says how long the tool itself took: the last of its calls."""
    found = []
    for task in run["trace"]["tasks"]:
        took = task["result"].get("elapsed_ms")
        calls = [(begun, ended) for host, begun, ended, _ in run["trace"]["calls"]
                 if host == task["host"] and task["begun"] <= begun and ended <= task["ended"] and ended - begun >= (took or 0) / 1000]
        if took is not None and calls:
            ended = calls[-1][1]
            found.append([task["host"], task["task"], ended - took / 1000, ended, task["result"].get("phases") or []])
    return found


def phases(tool):
    """[name, begun, ended] of its phases, one after the other up to its end."""
    _, _, _, ended, listed = tool
    at = ended - sum(phase["ms"] for phase in listed) / 1000
    found = []
    for phase in listed:
        found.append([phase["name"], at, at + phase["ms"] / 1000])
        at += phase["ms"] / 1000
    return found


def spans(run):
    """{kind: [(begun, ended)]}"""
    at_work = tools(run)
    own = [(since, min(again, run["processes"][host][0])) for host, windows in run["windows"].items() if host in run["processes"]
           for since, again in windows]
    own += [(max(since, run["processes"][host][1]), again) for host, windows in run["windows"].items() if host in run["processes"]
            for since, again in windows]
    waits = [(begun, ended) for tool in at_work for name, begun, ended in phases(tool) if name == "stable"]
    waits += [(task["begun"], task["ended"]) for task in run["trace"]["tasks"] if task["action"] == "pause" and task["outcome"] == "ok"]
    return {"pump": [span for span in own if span[1] > span[0]], "wait": waits,
            "tool": [(begun, ended) for _, _, begun, ended, _ in at_work],
            "ssh": [(begun, ended) for _, begun, ended, _ in run["trace"]["calls"]], "ansible": [(0.0, run["wall_s"])]}


def shares(run):
    """{kind: seconds}, together wall_s."""
    found = spans(run)
    moments = sorted({0.0, run["wall_s"]} | {min(max(moment, 0.0), run["wall_s"]) for listed in found.values() for span in listed for moment in span})
    result = dict.fromkeys(KINDS, 0.0)
    for begun, ended in zip(moments, moments[1:]):
        middle = (begun + ended) / 2
        kind = next(kind for kind in KINDS if any(since <= middle < until for since, until in found[kind]))
        result[kind] += ended - begun
    return result
