#!/usr/bin/python3
"""Draws where the time of one measured roll went, as SVG.

    test/bench/trace.py FILE.json OUT.svg [--of "ours 3 lan"] [--beside "stock 3 lan"]

FILE.json is what test/bench/run --json kept. Above: both ways' shares of their whole time. Below: the roll itself, a row for each host:
Ansible's tasks, SSH and SFTP calls, the tool with its phases, the Pump's answers.
"""
import argparse
import html
import json
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent)]
from parts import shares  # noqa: E402

COLOURS = {"pump": "#c0392b", "wait": "#d5d8dc", "tool": "#2980b9", "ssh": "#e59866", "ansible": "#7f8c8d"}
PHASES = {"lock": "#1f618d", "peers": "#2471a3", "stop": "#a93226", "activate": "#5b2c6f", "start": "#a93226", "ready": "#2e86c1",
          "stable": "#d5d8dc", "commit": "#1a5276"}
WIDTH, LEFT, LANE, TEXT = 1200, 90, 16, 11


class Drawing:
    def __init__(self):
        self._parts = []
        self.height = 8

    def text(self, x, y, words, size=TEXT, anchor="start"):
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{html.escape(words)}</text>')

    def box(self, x, y, width, height, colour, title):
        """The title is what a browser shows when the mouse rests on it."""
        self._parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.7):.1f}" height="{height}" fill="{colour}">'
                           f'<title>{html.escape(title)}</title></rect>')

    def line(self, x, top, bottom):
        self._parts.append(f'<path d="M{x:.1f} {top}V{bottom}" stroke="#ccc" stroke-width="0.5"/>')

    def svg(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" font-family="sans-serif">'
                f'<rect width="{WIDTH}" height="{self.height}" fill="white"/>{"".join(self._parts)}</svg>\n')


def draw_shares(drawing, name, run):
    """One bar, as wide as the page; what each part took, below it."""
    found = shares.shares(run)
    drawing.text(4, drawing.height + 14, name, 13)
    drawing.text(LEFT, drawing.height + 14, f"{run['pumps']} Pumps, {run['size_mb']} MB, {run['link']}: {run['wall_s']:.1f} s in all")
    x, y = LEFT, drawing.height + 20
    for kind in shares.KINDS:
        width = found[kind] / run["wall_s"] * (WIDTH - LEFT - 10)
        drawing.box(x, y, width, 20, COLOURS[kind], f"{shares.MEANING[kind]}: {found[kind]:.2f} s")
        if width > 34:
            drawing.text(x + 3, y + 14, f"{found[kind]:.1f} s")
        x += width
    drawing.height += 48


def draw_key(drawing):
    x = LEFT
    for kind in shares.KINDS:
        drawing.box(x, drawing.height, 10, 10, COLOURS[kind], kind)
        drawing.text(x + 14, drawing.height + 9, shares.MEANING[kind], 10)
        x += 34 + 5.3 * len(shares.MEANING[kind])
    drawing.height += 24


def draw_roll(drawing, run):
    """A block for each host, with the same seconds below each other."""
    scale = (WIDTH - LEFT - 10) / run["wall_s"]
    hosts = sorted(run["windows"])
    at_work = shares.tools(run)
    top = drawing.height
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100) if run["wall_s"] / step < 25)
    bottom = top + 18 + len(hosts) * (4 * LANE + 14)
    for second in range(0, int(run["wall_s"]) + 1, step):
        drawing.line(LEFT + second * scale, top + 14, bottom)
        drawing.text(LEFT + second * scale, top + 10, f"{second} s", 9, "middle")
    drawing.height = top + 18

    def box(begun, ended, lane, colour, title):
        drawing.box(LEFT + begun * scale, drawing.height + lane * LANE, (ended - begun) * scale, LANE - 3, colour, f"{title}: {ended - begun:.3f} s")
    for host in hosts:
        for lane, name in enumerate(("Ansible", "SSH", "tool", "Pump")):
            drawing.text(LEFT - 4, drawing.height + lane * LANE + 10, f"{host} {name}" if lane == 0 else name, 10, "end")
        for task in run["trace"]["tasks"]:
            if task["host"] == host and task["ended"] - task["begun"] > 0.02:
                box(task["begun"], task["ended"], 0, COLOURS["wait" if task["action"] == "pause" else "ansible"], task["task"])
        for name, begun, ended, program in run["trace"]["calls"]:
            if name == host:
                box(begun, ended, 1, COLOURS["ssh"], program)
        for tool in at_work:
            if tool[0] == host:
                box(tool[2], tool[3], 2, COLOURS["tool"], tool[1])
                for name, begun, ended in shares.phases(tool):
                    box(begun, ended, 2, PHASES.get(name, COLOURS["tool"]), name)
                    if (ended - begun) * scale > 40:
                        drawing.text(LEFT + begun * scale + 3, drawing.height + 2 * LANE + 10, name, 9)
        since = 0.0
        for begun, ended in run["windows"][host]:
            box(since, begun, 3, "#a9dfbf", "answers")
            box(begun, ended, 3, COLOURS["pump"], "no answer")
            since = ended
        box(since, run["wall_s"], 3, "#a9dfbf", "answers")
        drawing.height += 4 * LANE + 14


def drawn(traces, of, beside):
    """The SVG's text; KeyError where the file holds no such run."""
    drawing = Drawing()
    for name in filter(None, (beside, of)):
        draw_shares(drawing, name.split()[0], traces[name])
    draw_key(drawing)
    drawing.text(4, drawing.height + 10, f"{of.split()[0]}, moment by moment", 13)
    drawing.height += 16
    draw_roll(drawing, traces[of])
    return drawing.svg()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--of", default="ours 3 lan")
    parser.add_argument("--beside", default="stock 3 lan")
    given = parser.parse_args()
    traces = json.loads(given.file.read_text(encoding="utf-8"))["traces"]
    if missing := {given.of, given.beside} - set(traces):
        sys.exit(f"trace.py: {given.file} holds no {' and no '.join(sorted(missing))}; it holds {', '.join(sorted(traces))}")
    given.out.write_text(drawn(traces, given.of, given.beside), encoding="utf-8")


if __name__ == "__main__":
    main()
