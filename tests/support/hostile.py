"""Names that try to be markup, script, another direction of writing, or many characters in one."""

from __future__ import annotations

import dataclasses

from harness.results.data_model import Group, Results

HOSTILE_NAMES = [
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 2">',
    "</script><script>window.hacked = 3</script>",
    "'; window.hacked = 4; '",
    "مفسّر ‏الصور",
    "👩🏽‍🔬 explainer 🧠",
    "{{ 7 * 7 }} ${window.hacked = 5}",
    "a\\u003c/b & c &lt;",
]


def with_hostile_names(results: Results) -> Results:
    """The results with their first explainers, a metric, data sets, models and the run called by `HOSTILE_NAMES`."""
    group = results.groups[0]
    rows = dict(zip(group.explainer_labels, HOSTILE_NAMES, strict=False))
    columns = {group.metric_labels[0]: HOSTILE_NAMES[0], group.metric_labels[1]: HOSTILE_NAMES[2]}
    return dataclasses.replace(
        results,
        provenance={**results.provenance, "name": HOSTILE_NAMES[2], "command": HOSTILE_NAMES[1]},
        groups=[_renamed(one, rows, columns) for one in results.groups],
        reference=rows.get(results.reference or "", results.reference),
        nulls=[rows.get(label, label) for label in results.nulls],
        variants=[],
    )


def _renamed(group: Group, rows: dict[str, str], columns: dict[str, str]) -> Group:
    return dataclasses.replace(
        group,
        dataset=HOSTILE_NAMES[0] + group.dataset,
        model=HOSTILE_NAMES[1] + group.model,
        group_notes=[*group.group_notes, HOSTILE_NAMES[2]],
        explainers=[dataclasses.replace(info, label=rows.get(info.label, info.label)) for info in group.explainers],
        metrics=[dataclasses.replace(info, label=columns.get(info.label, info.label)) for info in group.metrics],
        cells={(rows.get(row, row), columns.get(column, column)): cell for (row, column), cell in group.cells.items()},
        costs={rows.get(label, label): costs for label, costs in group.costs.items()},
        notes={rows.get(label, label): notes for label, notes in group.notes.items()},
    )
