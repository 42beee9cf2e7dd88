"""Every broken component is caught by the check that is meant for it; every sound one passes all."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.api.declarations import Kind
from harness.cli import app
from harness.conformance.isolated_run import run_checks_isolated
from harness.conformance.result_tables import results_table
from harness.conformance.results import CheckFailed, CheckResult, exit_status, find_root_cause
from harness.conformance.run import list_check_names, put_under_test, run_check, run_checks
from harness.conformance.suite import list_checks
from harness.registry.registry import Registry

SOUND: dict[Kind, list[str]] = {
    "explainers": ["acme-xai/acme-saliency", "acme-contrast", "acme-noise", "acme-smooth", "acme-fine"],
    "metrics": ["acme-mass-inside", "acme-drop", "acme-metric-fine"],
    "datasets": ["acme-squares"],
    "models": ["acme-cnn"],
}
CAUGHT: list[tuple[Kind, str, str, str]] = [
    ("explainers", "acme-wrong-shape", "check_shape", "not (4,)"),
    ("explainers", "acme-nothing", "check_shape", "NoneType"),
    ("explainers", "acme-nan", "check_shape", "not finite"),
    ("explainers", "acme-raises", "check_shape", "no maps today"),
    ("explainers", "acme-changes-weights", "check_model_untouched", "the weights 0.weight"),
    ("explainers", "acme-leaves-hook", "check_model_untouched", "the hooks of 0"),
    ("explainers", "acme-leaves-hook-on-error", "check_untouched_after_exception", "the hooks of 0"),
    ("explainers", "acme-trains", "check_model_untouched", "the mode of"),
    ("explainers", "acme-unfreezes", "check_model_untouched", "requires_grad"),
    ("explainers", "acme-writes-images", "check_images_untouched", "wrote into its images"),
    ("explainers", "acme-writes-targets", "check_targets_untouched", "wrote into its targets"),
    ("explainers", "acme-reseeds", "check_model_untouched", "global generator of torch"),
    ("explainers", "acme-hangs", "check_shape", "did not end within 1 s"),
    ("explainers", "acme-unseeded", "check_deterministic", "draw all randomness from ctx"),
    ("explainers", "acme-tires", "check_deterministic", "draw all randomness from ctx"),
    ("explainers", "acme-tires", "check_batch_size", "differ by"),
    ("explainers", "acme-remembers-first", "check_neighbours", "when the batch is reversed"),
    ("explainers", "acme-batch-normalised", "check_batch_size", "differ by"),
    ("explainers", "acme-batch-normalised", "check_neighbours", "when its neighbours do"),
    ("explainers", "acme-squeezes", "check_batch_of_one", "must be (1, 32, 32)"),
    ("explainers", "acme-leaks", "check_memory", "every call keeps 1.0 tensors"),
    ("explainers", "acme-remembers-weights", "check_exchanged_weights", "remember it of the classifier"),
    ("explainers", "acme-incomplete", "check_completeness", "by 50.0%"),
    ("explainers", "acme-unpromised", "check_completeness", "expected="),
    ("explainers", "acme-cryptic", "check_unsupported_model", "KeyError: 'Conv2d'"),
    ("explainers", "acme-undocumented", "check_documented", "docstring"),
    ("explainers", "acme-three-channels", "check_one_channel", "ValueError"),
    ("explainers", "acme-square", "check_not_square", "RuntimeError"),
    ("explainers", "acme-unsigned", "check_sign", "signed=True"),
    ("explainers", "acme-peeking-null", "check_null_looks_at_no_model", "through the model"),
    ("metrics", "acme-metric-raises", "check_scores", "ruler is broken"),
    ("metrics", "acme-metric-wrong-shape", "check_scores", "must return (4,)"),
    ("metrics", "acme-metric-hangs", "check_scores", "did not end within 1 s"),
    ("metrics", "acme-metric-writes-maps", "check_inputs_untouched", "the case's maps"),
    ("metrics", "acme-metric-shares-maps", "check_shared_values", 'under ["order"] depends on the explanation'),
    ("metrics", "acme-metric-shares-explanations", "check_shared_values", "depends on the explanation"),
    ("metrics", "acme-metric-shares-evidence", "check_shared_values", "the evidence, the label or training data"),
    ("metrics", "acme-metric-shares-training", "check_shared_values", "the label or training data"),
    ("metrics", "acme-metric-shares-batch", "check_shared_values", "depends on which other samples are there"),
    ("metrics", "acme-metric-shares-parameter", "check_shared_keys", 'under ["answers to dimmed images", null, null] depends on rounds'),
    ("metrics", "acme-metric-changes-weights", "check_model_untouched", "the weights 0.weight"),
    ("metrics", "acme-metric-undeclared", "check_declared", "direction="),
    ("metrics", "acme-metric-out-of-bounds", "check_bounds", "outside the declared bounds (0, 1)"),
    ("metrics", "acme-metric-batch-normalised", "check_batch_size", "differ by"),
    ("metrics", "acme-metric-batch-normalised", "check_neighbours", "when its neighbours do"),
    ("metrics", "acme-metric-unseeded", "check_deterministic", "draw all randomness from ctx"),
    ("metrics", "acme-metric-tires", "check_deterministic", "draw all randomness from ctx"),
    ("metrics", "acme-metric-raises-on-zero", "check_zero_map", "ZeroDivisionError"),
    ("metrics", "acme-metric-needs-masks", "check_needs", 'needs={"masks"}'),
    ("metrics", "acme-metric-infinite", "check_zero_map", "infinite"),
    ("datasets", "acme-same-ids", "check_ids", "noise"),
    ("datasets", "acme-restless", "check_stable", "noise-0"),
    ("datasets", "acme-bytes", "check_range", "in [0, 1]"),
    ("datasets", "acme-endless", "check_index", "IndexError"),
    ("datasets", "acme-endless", "check_iteration", "more than 4"),
    ("datasets", "acme-shifting", "check_prefix", "samples=8"),
    ("datasets", "acme-tuples", "check_samples", "tuple"),
    ("datasets", "acme-mislabelled", "check_labels", "class_names has 2"),
    ("datasets", "acme-leaking-splits", "check_splits", "'train' too"),
    ("datasets", "acme-dataset-raises", "check_samples", "acme archive"),
    ("models", "acme-bare-module", "check_classifier", "Sequential"),
    ("models", "acme-noisy-model", "check_deterministic", "random"),
    ("models", "acme-batch-model", "check_batch_independent", "statistics of the batch"),
    ("models", "acme-unseeded-model", "check_digest", "seed"),
    ("models", "acme-nan-model", "check_logits", "not finite"),
    ("models", "acme-model-raises", "check_classifier", "acme checkpoint"),
    ("models", "acme-reseeding-model", "check_generators_untouched", "global generator of torch"),
]


@pytest.fixture(scope="module")
def registry(acme: Path) -> Registry:
    return Registry.discover()


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in SOUND.items() for name in names])
def test_a_sound_component_passes_every_check(registry: Registry, kind: Kind, name: str) -> None:
    results = run_checks(registry, registry.card(kind, name))
    assert [result for result in results if result.status == "failed"] == []
    assert exit_status(results) == 0
    assert sum(result.status == "passed" for result in results) > len(results) / 2


@pytest.mark.parametrize(("kind", "name", "check", "said"), CAUGHT)
def test_a_broken_component_is_caught_by_the_check_meant_for_it(registry: Registry, kind: Kind, name: str, check: str, said: str) -> None:
    (meant,) = [one for one in list_checks(kind) if one.name == check]
    result = run_check(meant, put_under_test(registry, registry.card(kind, name)), limit=1 if "hangs" in name else 60)
    assert result.status == "failed"
    assert said in result.message


SHARING = {"check_shape", "check_model_untouched", "check_scores"}  # the first of those that look at one call


@pytest.mark.parametrize(("kind", "name", "check", "said"), [case for case in CAUGHT if case[0] in ("explainers", "metrics")])
def test_it_is_caught_by_it_too_after_checks_that_it_shares_calls_with(
    registry: Registry, kind: Kind, name: str, check: str, said: str
) -> None:
    tested = put_under_test(registry, registry.card(kind, name))
    results = {
        one.name: run_check(one, tested, limit=0.1 if "hangs" in name else 60) for one in list_checks(kind) if one.name in {*SHARING, check}
    }
    assert results[check].status == "failed"
    assert said.replace("1 s", "0.1 s") in results[check].message


@pytest.mark.parametrize("name", ["acme-import-error", "acme-wrong-signature", "acme-tomorrow"])
def test_a_component_that_cannot_be_loaded_fails_with_its_reason(registry: Registry, name: str) -> None:
    (card,) = registry.named("explainers", name)
    (result,) = run_checks(registry, card)
    assert (result.name, result.status, result.message) == ("check_importable", "failed", card.error)


def test_after_a_check_that_hangs_the_others_are_skipped(registry: Registry) -> None:
    results = run_checks(registry, registry.card("explainers", "acme-hangs"), limit=1)
    assert [result.status for result in results].count("failed") == 1
    assert results[-1] == CheckResult("check_unsupported_model", "skipped", "an earlier check did not end")


def test_an_expected_failure_is_reported_and_an_unexpected_pass_fails(registry: Registry) -> None:
    card = registry.card("explainers", "acme-unsigned")
    why = {"check_sign": "its sign means nothing", "check_documented": "it has no docstring"}
    found = {result.name: result for result in run_checks(registry, card, expected_failures=why)}
    assert found["check_sign"].status == "reported"
    assert "its sign means nothing" in found["check_sign"].message
    assert found["check_documented"].status == "failed"
    assert "take it off the list" in found["check_documented"].message
    with pytest.raises(ValueError, match="no such check: check_taste"):
        run_checks(registry, card, expected_failures={"check_taste": "none"})


def test_parameters_can_be_given_and_wrong_ones_fail(registry: Registry) -> None:
    card = registry.card("explainers", "acme-contrast")
    assert exit_status(run_checks(registry, card, params={"images": 2})) == 0
    results = run_checks(registry, card, params={"images": 0})
    assert {result.status for result in results} == {"failed"}
    assert "images must be an integer ≥ 1" in results[0].message


def test_the_report_names_every_check_and_counts_them(registry: Registry) -> None:
    results = run_checks(registry, registry.card("explainers", "acme-unsigned"))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(results_table(results))
    text = console.export_text()
    assert all(result.name.removeprefix("check_").replace("_", " ") in text for result in results)
    assert "1 failed" in text
    assert "signed=True" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "at", "how"),
    [
        ("explainers", "acme-exits", "check_shape", "exit code 3"),
        ("metrics", "acme-metric-kills", "check_scores", "signal SIGKILL"),
    ],
)
def test_a_component_that_kills_its_process_fails_one_check(registry: Registry, kind: Kind, name: str, at: str, how: str) -> None:
    following = registry.card("datasets", "acme-squares")
    (card, results), (after, sound) = run_checks_isolated(registry, [registry.card(kind, name), following])
    assert (card.name, after, exit_status(sound)) == (name, following, 0), "the next component is checked all the same"
    (failed,) = [result for result in results if result.status == "failed"]
    assert failed.name == at
    assert how in failed.message
    assert [result.name for result in results] == list_check_names(kind)
    assert results[-1].message == "an earlier check ended the process"


@pytest.mark.slow
def test_checks_apart_find_what_checks_here_find(registry: Registry) -> None:
    card = registry.card("metrics", "acme-metric-out-of-bounds")
    assert list(run_checks_isolated(registry, [card], limit=30)) == [(card, run_checks(registry, card))]


@pytest.mark.slow
def test_components_that_do_not_import_take_their_place_among_those_that_do(registry: Registry) -> None:
    sound, broken = registry.card("datasets", "acme-squares"), registry.known("explainers", "acme-import-error")
    found = [(card, exit_status(results)) for card, results in run_checks_isolated(registry, [broken, sound, broken])]
    assert found == [(broken, 1), (sound, 0), (broken, 1)]


@pytest.mark.parametrize(
    ("kind", "name", "root"),
    [
        ("explainers", "acme-wrong-shape", "check_shape"),
        ("explainers", "acme-nan", "check_shape"),
        ("explainers", "acme-raises", "check_shape"),
        ("metrics", "acme-metric-wrong-shape", "check_scores"),
        ("metrics", "acme-metric-raises", "check_scores"),
    ],
)
def test_one_cause_is_one_failure_and_the_rest_follows_from_it(registry: Registry, kind: Kind, name: str, root: str) -> None:
    results = run_checks(registry, registry.card(kind, name))
    assert [result.name for result in results if result.status == "failed"] == [root]
    following = [result.name for result in results if result.message.startswith("as a consequence of ")]
    assert len(following) >= 10 and results[-1].name in list_check_names(kind)
    console = Console(width=600, record=True, file=io.StringIO())
    console.print(results_table(results))
    shown = console.export_text()
    assert shown.count("as a consequence of") == 1 and f"{len(following)} others" in shown
    assert all(result.title in shown for result in results)


def test_failures_of_several_causes_are_told_apart() -> None:
    errors = [ValueError("not (4,)"), ValueError("not (2,)"), TypeError("not (4,)"), CheckFailed("differ by 0.1")]
    assert [find_root_cause(error) for error in errors] == ["ValueError: not (#,)", "ValueError: not (#,)", "TypeError: not (#,)", ""]


@pytest.mark.slow
def test_three_lines_of_a_plugin_authors_tests(acme: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "from harness.conformance.pytest import parametrize_with_checks\n"
        "@parametrize_with_checks(['acme-xai/acme-saliency', 'acme-unsigned', 'acme-undocumented', 'acme-squares'],\n"
        "                         expected_failures={'acme-undocumented': {'check_documented': 'on purpose'}})\n"
        "def test_conformance(check):\n"
        "    check()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED test_mine.py::test_conformance[acme-unsigned-check_sign]" in done.stdout
    assert "XFAIL test_mine.py::test_conformance[acme-undocumented-check_documented]" in done.stdout
    assert " 1 failed" in f" {done.stdout.splitlines()[-1]}"


@pytest.mark.slow
def test_the_command_takes_several_names_and_says_at_the_end_which_break_a_rule(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import torch\nfrom harness.api import Sample, dataset\n\n"
        "@dataset()\ndef good() -> list[Sample]:\n"
        "    '''One sample.'''\n    return [Sample(torch.eye(8).repeat(3, 1, 1), 0, 'a')]\n\n"
        "@dataset()\ndef bad() -> list[int]:\n    '''No sample.'''\n    return [3]\n"
    )
    found = CliRunner().invoke(app, ["plugins", "check", "good", "bad", "good", "--plugin", str(file)])
    assert found.exit_code == 1, found.output
    assert found.output.count("dataset mine.py/good") == 1
    assert "1 of 2 components keep every rule; these do not: mine.py/bad" in found.output
