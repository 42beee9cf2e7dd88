import csv
import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.bibtex import REQUIRED_FIELDS, entry_fields, split_entries
from harness.leaderboard.bibliography import parse_citation, render_bibliography
from harness.leaderboard.score_export import ExportError, export_scores
from harness.leaderboard.selection import Selection
from harness.results.data_model import Results
from tests.support.synthetic_results import explainer, group_of, leaderboard_results, metric

ARTICLE = """@article{selvaraju2017,
  author = {Selvaraju, Ramprasaath R. and Batra, Dhruv},
  title = {Grad-{CAM}: Visual Explanations},
  journal = {IJCV},
  year = 2017,
  doi = {10.1109/ICCV.2017.74}
}"""


def cited(**sources: str | None) -> str:
    explainers = [dataclasses.replace(explainer(label), cite=cite) for label, cite in sources.items()]
    group = group_of({label: {"m": np.ones(2)} for label in sources}, [metric()], explainers=explainers)
    return render_bibliography(Results(provenance={}, groups=[group]))


def keys(text: str) -> list[str]:
    return re.findall(r"^@\w+\{([^,]+),", text, flags=re.M)


def test_a_whole_entry_passes_through_and_is_listed_once_for_all_that_cite_it() -> None:
    text = cited(a=ARTICLE, b=ARTICLE, c=None)
    assert ARTICLE in text
    assert "% a, b\n" in text
    assert keys(text) == ["xai-harness", "selvaraju2017"]


def test_a_bare_doi_or_arxiv_id_becomes_an_entry() -> None:
    text = cited(a="10.1109/ICCV.2017.74", b="arXiv:1806.07421", c="https://doi.org/10.1371/journal.pone.0130140")
    assert keys(text) == ["xai-harness", "doi-10.1109-ICCV.2017.74", "arxiv-1806.07421", "doi-10.1371-journal.pone.0130140"]
    assert "eprint = {1806.07421}" in text
    assert "archiveprefix = {arXiv}" in text
    assert "doi = {10.1371/journal.pone.0130140}" in text


def test_a_publication_cited_in_two_forms_is_listed_once_in_the_longer() -> None:
    for sources in ({"a": "10.1109/ICCV.2017.74", "b": ARTICLE}, {"a": ARTICLE, "b": "10.1109/ICCV.2017.74"}):
        text = cited(**sources)
        assert keys(text) == ["xai-harness", "selvaraju2017"]
        assert "% a, b\n" in text


def test_two_publications_of_one_key_are_told_apart() -> None:
    text = cited(a="@misc{key, title = {One}}", b="@misc{key, title = {Two}}", c="@misc{KEY, title = {Three}}")
    assert keys(text) == ["xai-harness", "key", "key-2", "KEY-3"]


ODD = {
    "complete": ARTICLE,
    "doi": "10.1109/ICCV.2017.75",
    "arxiv": "arXiv:1806.07421",
    "old-arxiv": "arXiv:hep-th/9901001",
    "words": "Lecture notes, 50 % of them by B_B & C#",
    "biblatex": "@online{site, title={A site}, author={Müller, Jörg and Łoś, Zoë and Ørsted, H.}, date={2021-05-04}, url={https://x.y/a_b}}",
    "lacking": "@article{half, title = {A, {B}, and C}}",
    "software": '@software{tool, title = "A {tool}", version = {1}}',
    "case": "@misc{SITE, title = {Another}}",
}


def test_every_entry_has_the_fields_that_its_type_must_have() -> None:
    """Those of BibTeX's manual, and what styles sort and label by: an author or a key, and a year."""
    text = cited(**ODD)
    found = {re.match(r"@\w+\{([^,]+)", entry)[1]: entry for entry in split_entries(text)}  # type: ignore[index]
    assert len({key.lower() for key in found}) == len(found) == 10
    for entry in found.values():
        kind, there = entry[1 : entry.index("{")].lower(), entry_fields(entry)
        assert kind in REQUIRED_FIELDS, "a type that BibTeX knows"
        assert set(REQUIRED_FIELDS[kind]) <= set(there)
        assert {"author", "key"} & set(there) and "year" in there
    assert (entry_fields(found["site"])["year"], entry_fields(found["arxiv-1806.07421"])["year"]) == ("2021", "2018")
    assert entry_fields(found["half"])["title"] == "A, {B}, and C"
    assert r"M{\"u}ller, J{\"o}rg and {\L}o{\'s}, Zo{\"e} and {\O}rsted, H." in text
    assert r"50 \% of them by B\_B \& C\#" in text


@pytest.mark.skipif(shutil.which("bibtex") is None, reason="no BibTeX here")
@pytest.mark.parametrize("style", ["plain", "abbrv", "alpha", "unsrt"])
def test_bibtex_has_nothing_to_warn_of(style: str, tmp_path: Path) -> None:
    (tmp_path / "all.bib").write_text(cited(**ODD))
    (tmp_path / "paper.aux").write_text(f"\\citation{{*}}\n\\bibstyle{{{style}}}\n\\bibdata{{all}}\n")
    done = subprocess.run(["bibtex", "paper"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Warning" in done.stdout) == (0, False), done.stdout


def test_several_entries_of_one_component() -> None:
    text = "@article{one, title={x}}\n\n@book{two, title={{y}}}"
    assert parse_citation(text, "c") == ["@article{one, title={x}}", "@book{two, title={{y}}}"]
    assert len(parse_citation("10.1000/1; arXiv:1806.07421", "c")) == 2
    assert parse_citation("  ", "c") == []
    assert "note = {Lecture notes}" in parse_citation("Lecture notes", "c")[0]


def test_braces_balance_whatever_is_cited() -> None:
    text = cited(a=ARTICLE, b="10.1/x", c="arXiv:hep-th/9901001")
    assert text.count("{") == text.count("}")


def test_scores_as_csv_and_parquet_are_the_same_and_carry_their_recipe(tmp_path: Path) -> None:
    results = leaderboard_results()
    (parquet,) = export_scores(results, tmp_path / "scores.parquet")
    table, recipe = export_scores(results, tmp_path / "deep" / "scores.csv")
    with table.open(newline="") as file:
        lines = list(csv.DictReader(file))
    columns = pq.read_table(parquet).to_pylist()
    assert len(lines) == len(columns) == sum(int(cell.computed.sum()) for cell in results.groups[0].cells.values())
    for line, row in zip(lines, columns, strict=True):
        assert [line[name] for name in ("dataset", "explainer", "metric", "sample", "digest")] == [
            row[name] for name in ("dataset", "explainer", "metric", "sample", "digest")
        ]
        assert (line["value"] == "") == np.isnan(row["value"])
        assert line["value"] == "" or float(line["value"]) == row["value"]
    assert recipe.name == "scores.recipe.json"
    assert json.loads(recipe.read_text()) == json.loads(pq.read_schema(parquet).metadata[b"harness.recipe"])


def test_scores_say_which_samples_the_leaderboard_counts(tmp_path: Path) -> None:
    """Their mean is the leaderboard's; which samples every model has right is no matter of which scores are written."""
    values, right = np.array([0.5, 0.25, 1.0, 0.0]), {"a": [True, False, True, True], "b": [True, True, True, False]}
    metrics = [metric("m")]
    groups = [
        dataclasses.replace(group_of({"x": {"m": values}}, metrics, explainers=[explainer("x")]), model=model, correct=np.array(correct))
        for model, correct in right.items()
    ]
    results = Results(provenance={}, groups=groups, samples_rule="correct", bootstrap=50)
    for rule, chosen, mean in (("correct", None, 0.5), ("all-correct", None, 0.75), ("all-correct", Selection(models=["a"]), 0.75)):
        table = pq.read_table(export_scores(dataclasses.replace(results, samples_rule=rule), tmp_path / "s.parquet", chosen)[0]).to_pandas()
        assert table[(table.model == "a") & table.counts].value.mean() == mean
        assert len(table[table.model == "a"]) == 4
    lines = export_scores(results, tmp_path / "s.csv")[0].read_text().splitlines()
    assert [line.rsplit(",", 1)[1] for line in lines[1:5]] == ["true", "false", "true", "true"]


def test_a_run_without_scores_still_exports(tmp_path: Path) -> None:
    nothing = Results(provenance={}, groups=[])
    assert pq.read_table(export_scores(nothing, tmp_path / "s.parquet")[0]).num_rows == 0
    assert export_scores(nothing, tmp_path / "s.csv")[0].read_text().count("\n") == 1


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"\.parquet or a \.csv"):
        export_scores(leaderboard_results(), tmp_path / "scores.xlsx")
    assert list(tmp_path.iterdir()) == []
