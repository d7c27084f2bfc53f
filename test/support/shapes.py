"""Comparing an answer with one of facts/samples by its shape: names, their order, and types; not values."""
import json

from . import paths

SAMPLES = paths.TESTS / "unit/samples"


def of(text):
    """A pair for each value: objects by node id or by position, whose fields may be missing, are one kind each."""
    return _shape(json.loads(text, object_pairs_hook=list))


def of_sample(name):
    return of(sample(name))


def sample(name):
    return (SAMPLES / name).read_text(encoding="utf-8")


def _shape(value):
    if not isinstance(value, list):
        return type(value).__name__
    if not all(isinstance(part, tuple) for part in value):
        return ["list", *sorted({repr(_shape(part)) for part in value})]
    names = [name for name, _ in value]
    if set(names) <= {"suffix", "offset"} and all(isinstance(part, int) for _, part in value):
        return "position"
    if names and all(":" in name for name in names):
        return ["by node", *sorted({repr(_shape(part)) for _, part in value})]
    return [(name, _shape(part)) for name, part in value]
