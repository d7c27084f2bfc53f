"""From measured runs (measure.py) to figures: medians, ratios, targets, a table. No I/O."""
import statistics


def counted(run):
    """Seconds of a run without what it was asked to wait."""
    return run["wall_s"] - run["stable_for_s"] - run["settle_s"]


def down(run):
    """Seconds without an answer, of each Pump that was restarted."""
    return [sum(again - since for since, again in windows) for windows in run["windows"].values() if windows]


def without_process(run):
    """Seconds between the end of the former process and the next one: what is beyond the Pump's own stop and start."""
    return [max(0.0, started - ended) for ended, started in run["processes"].values()]


def megabytes(run, what):
    return [value / 1e6 for value in run[what].values()]


def share_sent(run):
    """Percent of the binary, as it came to each host."""
    return [100 * value / (run["size_mb"] * 1e6) for value in run["payload"].values()]


def figure(name, unit, stock, ours, target=None, met=None):
    """`met` judges the two lists; None where there is nothing to judge."""
    judged = None if met is None or not ours else bool(met(stock, ours))
    return {"name": name, "unit": unit, "stock": spread(stock), "ours": spread(ours), "ratio": ratio(stock, ours),
            "target": target, "met": judged}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)} if values else None


def ratio(stock, ours):
    """How many times less ours is; None where one of them is missing or nothing."""
    if not stock or not ours or not statistics.median(ours):
        return None
    return statistics.median(stock) / statistics.median(ours)


def median_below(limit):
    return lambda _, ours: statistics.median(ours) < limit


def worst_at_most(limit):
    return lambda _, ours: max(ours) <= limit


def tenth_and_below(limit):
    return lambda stock, ours: statistics.median(ours) < limit and bool(stock) and ratio(stock, ours) >= 10


def of_rolls(runs):
    """All figures of one number of Pumps over one link: of runs whose `case` is roll (something new) or second (nothing new)."""
    def each(measure, way, case="roll"):
        found = []
        for run in runs:
            if run["way"] == way and run["case"] == case:
                value = measure(run)
                found += value if isinstance(value, list) else [value]
        return found

    def both(measure, case="roll"):
        return each(measure, "stock", case), each(measure, "ours", case)
    stock_sent = difference(each(lambda run: megabytes(run, "wire"), "stock"), each(lambda run: megabytes(run, "wire"), "stock", "second"))
    sent = each(lambda run: megabytes(run, "payload"), "ours")
    rest = each(lambda run: [(run["wire"][host] - run["payload"].get(host, 0)) / 1e6 for host in run["wire"]], "ours")
    pumps, link = runs[0]["pumps"], runs[0]["link"]
    target = ("under 10 s, and a tenth", tenth_and_below(10)) if (pumps, link) == (3, "lan") else ("a tenth", tenth_and_below(1e9))
    return [
        figure("whole roll", "s", *both(counted), *target),
        figure("  of it stable_for and settle, not counted", "s", [], each(lambda run: run["stable_for_s"] + run["settle_s"], "ours")),
        figure("second run, nothing new", "s", *both(counted, "second"), "under 3 s", median_below(3)),
        figure("  Pumps it restarts", "", *both(lambda run: len(run["processes"]), "second"), "none", worst_at_most(0)),
        figure("down, each Pump", "s", *both(down)),
        figure("  beyond its own stop and start", "s", *both(without_process), "under 0.1 s", median_below(0.1)),
        figure("writes refused during the roll", "", *both(lambda run: run["refused"]), "0", worst_at_most(0)),
        figure("on the wire, each host", "MB", *both(lambda run: megabytes(run, "wire"))),
        figure("  the binary", "MB", stock_sent, sent),
        figure("  the binary, of its size", "%", [100 * value / runs[0]["size_mb"] for value in stock_sent], each(share_sent, "ours"),
               "at most 35 %", worst_at_most(35)),
        figure("  the binary, second run", "MB", [], each(lambda run: megabytes(run, "payload"), "ours", "second"), "0", worst_at_most(0)),
        figure("  modules and all else", "MB", each(lambda run: megabytes(run, "wire"), "stock", "second"), rest),
        figure("SSH and SFTP calls, each host", "", *both(lambda run: list(run["calls"].values())), "at most 25", worst_at_most(25)),
        figure("processor time, control host", "s", *both(lambda run: run["processor_s"])),
    ]


def difference(values, others):
    """Each value less the median of the others."""
    return [value - statistics.median(others) for value in values] if others else []


def of_copies(copies):
    """Figures of one file over one link, fresh and present already."""
    found = []
    for case in ("fresh", "unchanged"):
        def each(measure, way, case=case):
            return [measure(copy) for copy in copies if copy["way"] == way and copy["case"] == case]
        found += [figure(f"{case}", "s", each(lambda copy: copy["wall_s"], "stock"), each(lambda copy: copy["wall_s"], "ours")),
                  figure("  on the wire", "MB", each(lambda copy: sum(copy["wire"].values()) / 1e6, "stock"),
                         each(lambda copy: sum(copy["wire"].values()) / 1e6, "ours"))]
    return found


def table(title, figures):
    """Markdown."""
    lines = [f"| {title} | stock | ours | times less | target | met |", "|---|---|---|---|---|---|"]
    for row in figures:
        name = row["name"].replace("  ", "&emsp;", 1) if row["name"].startswith("  ") else row["name"]
        lines.append(f"| {name} | {shown(row['stock'], row['unit'])} | {shown(row['ours'], row['unit'])} | "
                     f"{'' if row['ratio'] is None else round_to(row['ratio'])} | {row['target'] or ''} | "
                     f"{ {True: 'yes', False: 'no', None: ''}[row['met']] } |")
    return "\n".join(lines)


def shown(values, unit):
    """median (min to max) unit"""
    if values is None:
        return ""
    numbers = [round_to(values[name]) for name in ("median", "min", "max")]
    text = numbers[0] if numbers[1] == numbers[2] else f"{numbers[0]} ({numbers[1]} to {numbers[2]})"
    return f"{text} {unit}".strip()


def round_to(value):
    """Three figures, no more than anybody believes."""
    if value >= 100 or value == int(value):
        return str(round(value))
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def of_growth(runs):
    """What grows with the hosts, ours alone: rows for each number of them, and from the least to the most what one more costs."""
    found = []
    for run in runs:
        title = f"{run['pumps']} hosts, {'roll' if run['case'] == 'roll' else 'second run'}"
        found += [figure(title, "s", [], [counted(run)])]
        if run["case"] == "roll":
            alike = staged(run)
            found += [figure("  until the first Pump's turn", "s", [], [alike]),
                      figure("  after that, each Pump", "s", [], [(counted(run) - alike) / run["pumps"]]),
                      figure("  a turn, beside the node's own time", "s", [], [(run["turns_s"] - run["own_s"]) / run["pumps"]],
                             "at most 0.6 s", worst_at_most(0.6)),
                      figure("  processor time, control host", "s", [], [run["processor_s"]])]
    return found


def staged(run):
    """Seconds until the first Pump stopped answering."""
    return min((since for windows in run["windows"].values() for since, _ in windows), default=0.0)
