"""Questions that a reviewer of an evaluation asks, and what a run has to say to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harness.analysis.overall import replicate_families
from harness.leaderboard.methods.methods_text import tested_against, used_hardware
from harness.results.data_model import EXPECTED_STATUSES, Results
from harness.results.document import Leaderboard
from harness.text_format import format_count, format_some

FEW_SEEDS = 3


@dataclass(frozen=True)
class ChecklistItem:
    """One question, whether the run answers it, and with what; or what to do."""

    question: str
    answered: bool
    said: str


def checklist(results: Results, document: Leaderboard) -> list[ChecklistItem]:
    """All questions in the order in which a reader meets them."""
    return [*_of_subjects(results, document), *_of_explanations(results), *_of_metrics(results, document), *_of_trust(results)]


def _item(question: str, found: str, lacking: str) -> ChecklistItem:
    """Answered with what was found; else what to do."""
    return ChecklistItem(question, bool(found), found or lacking)


def _of_subjects(results: Results, document: Leaderboard) -> Iterator[ChecklistItem]:
    counts = [f"{entry.dataset} on {entry.model}: {entry.samples} of {entry.samples_total}" for entry in document.groups]
    yield ChecklistItem("Is it said how many samples count?", True, format_some(counts))
    known = [f"{entry.model} {entry.accuracy:.3f}" for entry in document.groups if entry.accuracy is not None]
    all_known = len(known) == len(document.groups)
    yield _item("Is the accuracy of each model given?", format_some(known) if all_known else "", "that of some is not known")
    datasets, models = ({getattr(group, what) for group in results.groups} for what in ("dataset", "model"))
    said = f"{format_count(len(datasets), 'data set')}, {format_count(len(models), 'model')}"
    several = len(datasets) > 1 or len(models) > 1
    yield _item("Is there more than one data set or model?", said if several else "", f"{said}: conclusions are of these alone")
    trained = [*results.groups, *results.not_kept]
    families = sorted(([trained[k].model for k in members] for members in replicate_families(trained)), key=len)
    fewest, most = (len(families[place]) if families else 0 for place in (0, -1))
    enough = f"at least {fewest} of each" if fewest >= FEW_SEEDS else ""
    few = f"{families[0][0]} with {fewest}" if most > 1 else "no"
    yield _item("Are models trained with several seeds?", enough, f"{few}: `sweep: {{seed: [0, 1, 2]}}` of a model that is trained")


def _of_explanations(results: Results) -> Iterator[ChecklistItem]:
    rows = {info.label: info for group in results.groups for info in group.explainers}
    nulls = [label for label, info in rows.items() if results.is_null(info) and info.twin_of is None]
    yield _item("Are explainers held against maps that know nothing?", format_some(nulls), "name `nulls` in the spec")
    twins = ["twins on a random model"] if any(info.twin_of is not None for info in rows.values()) else []
    measured = dict.fromkeys(info.label for group in results.groups for info in group.metrics if info.category == "randomisation")
    question = "Is it checked that maps depend on what the model has learnt?"
    yield _item(question, format_some([*twins, *measured]), "name the null `random-model`, or a metric of randomisation")


def _of_metrics(results: Results, document: Leaderboard) -> Iterator[ChecklistItem]:
    columns = {info.label: info for group in results.groups for info in group.metrics}
    categories = list(dict.fromkeys(info.category for info in columns.values()))
    named = ", ".join(categories)
    yield _item("Are there metrics of more than one kind?", named if len(categories) > 1 else "", f"{named} alone")
    localisation = [label for label, info in columns.items() if info.category == "localisation"]
    yield _item("Is anything held against ground truth?", format_some(localisation), "there is no metric of localisation")
    known = "by meta-evaluation" if document.meta else ""
    yield _item("Is it known which metrics tell truth from noise?", known, "write `meta: {}` into the spec")
    adjusted = "false discovery rate" if results.correction == "fdr" else "Holm"
    tested, intervals = tested_against(document), f"{100 * results.confidence:g} % intervals"
    said = [intervals, "signed-rank tests", *(["rank-biserial effects"] if tested.reference else []), adjusted]
    question = "Are uncertainty, tests and effects given, and p-values adjusted?"
    lacking = f"{intervals} alone: name a `reference` and `nulls` in the spec"
    yield _item(question, ", ".join(said) if any(tested) else "", lacking)
    cells = [cell for group in results.groups for cell in group.cells.values()]
    states = Counter(cell.status if cell.status != "ok" or cell.computed.all() else "incomplete" for cell in cells)
    failed = [f"{count} {status}" for status, count in sorted(states.items()) if status not in EXPECTED_STATUSES]
    done = f"{states['ok']} of {format_count(states.total(), 'cell')}"
    done += f", {states['not-applicable']} not applicable" if states["not-applicable"] else ""
    yield ChecklistItem("Was all computed that can be?", not failed, ", ".join([done, *failed]))


def _of_trust(results: Results) -> Iterator[ChecklistItem]:
    run = results.provenance
    packages, revision = run.get("packages") or {}, str(run.get("git") or "")
    kept = f"{format_count(len(packages), 'package')} in provenance.json" if packages else ""
    yield _item("Are the versions of all that was used kept?", kept, "they are not known")
    changed = f"{revision.removesuffix('-dirty')}, with changes" if revision else "the run was not started in a repository"
    yield _item("Is the code committed?", "" if revision.endswith("-dirty") else revision, changed)
    yield _item("Is the seed given?", "" if run.get("seed") is None else str(run["seed"]), "it is not known")
    yield _item("Are costs given, and on what hardware?", format_some(used_hardware(results)), "they are not known")
