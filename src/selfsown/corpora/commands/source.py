"""Sources of raw data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import click

from selfsown.corpora.documents import DocumentsParams
from selfsown.corpora.documents.rules import judge as judge_text
from selfsown.corpora.problems import ProblemsParams, judge
from selfsown.corpora.rationales import RationalesParams
from selfsown.corpora.rationales import judge as judge_worked
from selfsown.corpora.readers import word_problems
from selfsown.corpora.readers.documents.own import OWN, holds_texts, own_files
from selfsown.corpora.readers.documents.shelf import read_documents
from selfsown.corpora.readers.rationales import own as own_problems
from selfsown.corpora.readers.speech import folder as recordings
from selfsown.corpora.readers.speech.clips import SPLITS, Clip
from selfsown.corpora.readers.triplets import own as own_triplets
from selfsown.corpora.speech import placed
from selfsown.corpora.speech.judge import Judge, judged
from selfsown.corpora.speech.left import ADVICE, lacking
from selfsown.corpora.speech.rules import SpeechParams
from selfsown.corpora.speech.splits import refuse_leaks
from selfsown.corpora.triplets import TripletsParams
from selfsown.corpora.triplets.choice import judge as judge_triplets
from selfsown.errors import UserError
from selfsown.params import load_params
from selfsown.products import losses
from selfsown.sources import check_names, fetch, register_folder, register_hub
from selfsown.sources.registry import load_registry
from selfsown.text.documents.heldout import HeldOut
from selfsown.text.written.alphabets import letters_of


@click.group()
def command() -> None:
    """Sources of raw data."""


@command.command()
@click.argument("name")
@click.argument("origin")
@click.option("--keep", multiple=True, help="glob of files to take of a hub repository; may be given several times")
def add(name: str, origin: str, keep: tuple[str, ...]) -> None:
    """Register ORIGIN as source NAME, pinned by its digests.

    ORIGIN is a folder of your own, or a model or data set of a hub: hub:OWNER/NAME, hub:datasets/OWNER/NAME, with
    @REVISION for another than its main branch.

    A folder with manifest.csv, metadata.jsonl or Parquet with a column `audio` holds recordings; sound files alone are
    refused. One with .jsonl or Parquet that has `question` and `answer` holds problems to reason about. One with .csv,
    .jsonl or Parquet that has `premise`, `entailment`, `contradiction`, or `premise`, `hypothesis`, `label`, holds
    triplets of sentences. One with .txt, .jsonl, .jsonl.zst or other Parquet holds texts.
    """
    load_registry()  # there is one in the repository; outside of it none is made
    if origin.startswith("hub:"):
        source = register_hub(origin, name, keep)
        size = sum(file.bytes for file in source.files)
        found = [f"{len(source.files)} files, {size:,} bytes, of {source.repo} at commit {source.revision}"]
        then = [f"{name}, where it asks for a source of this kind"]
    else:
        folder = Path(origin).expanduser()
        if not folder.is_dir():
            raise UserError(f"{origin}: no such folder")
        check_names(folder)
        if name in word_problems.SETS:
            found, then = _problems(folder, name)
        elif own_problems.holds_problems(folder):
            found, then = _worked(folder, name)
        elif own_triplets.holds_triplets(folder):
            found, then = _triplets(folder, name)
        elif not own_files(folder) and not (folder / "manifest.csv").is_file():
            raise UserError(
                f"{origin}: expected recordings (manifest.csv, metadata.jsonl or Parquet with a column `audio`), "
                "problems (.jsonl or Parquet with question and answer), triplets of sentences (.csv, .jsonl or Parquet "
                f"with premise, entailment and contradiction) or texts ({', '.join(OWN)}) in it"
            )
        else:
            found, then = (_texts if holds_texts(folder) else _recordings)(folder, name)
        register_folder(folder, name)
    said = [f"{name}: {found[0]}", *found[1:], "", "Pinned in conf/sources.yaml. Say in params.yaml, then `dvc repro`:"]
    click.echo("\n".join([*said, *(f"  {line}" for line in then)]))


@command.command("fetch")
@click.argument("names", nargs=-1, required=True)
def fetch_all(names: tuple[str, ...]) -> None:
    """Download and verify sources by NAME, for instance to fill a mirror."""
    for name in names:
        click.echo(f"{name}: {fetch(name)}")


def _recordings(folder: Path, name: str) -> tuple[list[str], list[str]]:
    """What the stage corpora.speech can use of a folder, and what params.yaml must say so that it does.

    Raises:
        UserError: the folder cannot be read, or nothing in it can be used.
    """
    params = load_params("corpora.speech", SpeechParams)
    remark = ""
    try:
        rows = list(recordings.read(folder, name, params.languages))
    except recordings.NoLanguageError:
        rows = list(recordings.read(folder, name, params.languages[:1]))
        remark = "  # no other: the folder has no column `language`"
    rules = params.rules(own=True)
    clips, seconds = judged(map(_in_known_letters, rows), rules)
    silent = [clip for clip in clips if not clip.reason and not seconds[clip.id]]
    unheard = Judge(rules.seconds, params.dbfs)(silent).rejected
    reasons = {row["id"]: row["reason"].replace(f"{row['id']}: ", "") for row in unheard.to_pylist()} if unheard else {}
    clips = [replace(clip, reason=clip.reason or reasons.get(clip.id, "")) for clip in clips]
    # the reader's reasons say where, the judge's do not
    refusals = _refusals(
        (clip.reason, "" if row.reason else _place(clip)) for row, clip in zip(rows, clips, strict=True)
    )
    usable = [clip for clip in clips if not clip.reason]
    if not usable:
        raise UserError("\n".join([f"{folder}: no recording that can be used", *refusals]))
    languages = sorted({clip.language for clip in usable}, key=lambda code: (code not in params.languages, code))
    table = [f"  {'language':<10}{'split':<10}{'recordings':>12}{'minutes':>10}"]
    for language in languages:
        for split in ("", *SPLITS):
            lengths = [seconds[c.id] for c in usable if (c.language, c.split) == (language, split)]
            if lengths:
                line = f"  {language:<10}{split or 'not given':<10}{len(lengths):>12,}{sum(lengths) / 60:>10.2f}"
                table.append(line)
    minutes = sum(seconds[clip.id] for clip in usable) / 60
    parted = [line for language in languages for line in _parted(usable, seconds, language, params)]
    key = "corpora.speech.own" if params.own else "corpora.speech"
    return [f"{len(usable):,} recordings, {minutes:.2f} minutes", *table, *refusals, *parted], [
        f"languages: [{', '.join(languages)}]{remark}",
        f"corpora.speech.in_domain: [{name}]",
        f"{key}.minutes: {json.dumps(dict(rules.minutes))}  # so far; the splits take theirs in this order",
        "# speech_bt.gate.expect: how much there must be at least; less for a small folder",
        "# speech_bt.synthesize.voices: some for each of the languages",
    ]


def _parted(clips: Sequence[Clip], seconds: Mapping[str, float], language: str, params: SpeechParams) -> list[str]:
    """What the stage will put on which split, and what to change where one stays empty."""
    own = placed(
        [clip for clip in clips if clip.language == language], seconds, params.rules(own=True), params.data_seed
    )
    kept = refuse_leaks(own, params.near_duplicate)
    splits = Counter(clip.split for clip in kept if not clip.reason)
    dropped = Counter(clip.reason.partition(":")[0] for clip in kept if clip.reason)
    counts = ", ".join(f"{split} {splits[split]:,}" for split in SPLITS if splits[split]) or "nothing"
    refused = f"; it will refuse: {losses(dropped)}" if dropped else ""
    said = lacking(splits.elements(), dropped).splitlines()
    if not said and dropped["held out"] > splits.total():
        said = [ADVICE["held out"]]
    return [f"  the stage will split {language} into {counts}{refused}", *(f"    {line.strip()}" for line in said)]


def _texts(folder: Path, name: str) -> tuple[list[str], list[str]]:
    """What the stage corpora.documents can use of a folder, like `_recordings`."""
    collections = load_params("corpora.documents", DocumentsParams).collections
    text = next((key for key, rules in collections.items() if rules.kind == "text"), None)
    if text is None:
        raise UserError("params.yaml: corpora.documents.collections: none of them is of kind text")
    rules, nothing = collections[text], HeldOut((), shortest=1, longest=1)
    seen: dict[bytes, str] = {}
    reasons: list[tuple[str, str]] = []
    documents = characters = 0
    for file, reader in own_files(folder).items():
        for place, document in read_documents(folder, file, reader):
            plain, reason, _ = judge_text(document, rules, nothing)
            first = seen.setdefault(sha256(plain.encode()).digest(), place) if not reason else place
            reason = reason or ("" if first == place else f"duplicate: of {first}")
            documents, characters = documents + (not reason), characters + (0 if reason else len(plain))
            reasons.append((reason, place))
    refusals = _refusals(reasons)
    if not documents:
        raise UserError("\n".join([f"{folder}: no text that can be used", *refusals]))
    sources = ", ".join(dict.fromkeys((*rules.sources, name)))
    return [f"{documents:,} documents, {characters:,} characters", *refusals], [
        f"corpora.documents.collections.{text}.sources: [{sources}]"
    ]


def _problems(folder: Path, name: str) -> tuple[list[str], list[str]]:
    """What the stage corpora.problems can use of a folder, like `_recordings`."""
    params = load_params("corpora.problems", ProblemsParams)
    tolerance = Fraction(str(params.tolerance))
    try:
        found = list(word_problems.read(name, folder, params.constants, tolerance))
    except UserError as error:
        raise UserError(f"{folder}: cannot be read as {name}: {error}") from None
    rows = [judge(problem, params).problem for problem in found]
    refusals = _refusals((row.reason, row.id) for row in rows)
    usable = [row.split for row in rows if not row.reason]
    if not usable:
        raise UserError("\n".join([f"{folder}: no problem that can be used", *refusals]))
    splits = ", ".join(f"{split} {usable.count(split):,}" for split in sorted(set(usable)))
    sets = ", ".join(dict.fromkeys((*params.sets, name)))
    return [f"{len(usable):,} problems: {splits}", *refusals], [f"corpora.problems.sets: [{sets}]"]


def _worked(folder: Path, name: str) -> tuple[list[str], list[str]]:
    """What the stage corpora.rationales can use of a folder, like `_recordings`."""
    params = load_params("corpora.rationales", RationalesParams)
    found = list(own_problems.read(name, folder))
    rows = [judge_worked(row, params, whole=False) for row in found]
    # the reader's reasons say where, the judge's do not
    places = ("" if row.reason else row.id.removeprefix(f"{name}/") for row in found)
    refusals = _refusals((row.reason, place) for row, place in zip(rows, places, strict=True))
    usable = [row for row in rows if not row.reason]
    if not usable:
        raise UserError("\n".join([f"{folder}: no problem that can be used", *refusals]))
    splits = Counter(row.split or "not given" for row in usable)
    table = [f"  split {split}: {count:,}" for split, count in sorted(splits.items())]
    free = [row for row in usable if not row.split]
    tests = len(free) // 8
    labelled = min(sum(bool(row.rationale) for row in free) // 2, len(free) - 2 * tests)
    wanted = f"{{kind: own, source: {name}, rows: {{test: {tests}, dev: {tests}, labelled: {labelled}, pool: null}}}}"
    reasoned = sum(bool(row.rationale) for row in usable)
    return [f"{len(usable):,} problems, {reasoned:,} with a rationale", *table, *refusals], [
        f"corpora.rationales.sets: [{wanted}]  # for example; or beside those that are there"
    ]


def _triplets(folder: Path, name: str) -> tuple[list[str], list[str]]:
    """What the stage corpora.triplets can use of a folder, like `_recordings`."""
    params = load_params("corpora.triplets", TripletsParams)
    rows = judge_triplets(own_triplets.read(name, folder), params.words)
    refusals = _refusals((row.reason, row.id.removeprefix(f"{name}/")) for row in rows)
    usable = [row for row in rows if not row.reason]
    if not usable:
        raise UserError("\n".join([f"{folder}: no triplet that can be used", *refusals]))
    splits = Counter(row.split or "not given" for row in usable)
    table = [f"  split {split}: {count:,}" for split, count in sorted(splits.items())]
    free = len([row for row in usable if not row.split]) // 8
    sources = ", ".join(dict.fromkeys((*params.sources, name)))
    return [f"{len(usable):,} triplets of {len({row.group for row in usable}):,} groups", *table, *refusals], [
        f"corpora.triplets.sources: [{sources}]",
        f"corpora.triplets.rows: {{test: {free}, dev: {free}, train: null}}  # for example, of the folder alone",
    ]


def _in_known_letters(clip: Clip) -> Clip:
    try:
        letters_of(clip.language)
    except UserError as error:
        return replace(clip, reason=clip.reason or f"unknown language: {error}")
    return clip


def _place(clip: Clip) -> str:
    name = Path(clip.file).name
    return name if clip.row is None else f"{name} row {clip.row + 1}"


def _refusals(rows: Iterable[tuple[str, str]]) -> list[str]:
    """How many rows each kind of reason took, with the first: of rows of reason and place, each maybe empty."""
    kinds: dict[str, list[str]] = {}
    for reason, place in rows:
        if reason:
            kind, _, detail = reason.partition(": ")
            kinds.setdefault(kind, []).append(": ".join(part for part in (place, detail) if part))
    total = sum(map(len, kinds.values()))
    lines = [f"  {len(details):>8,}  {kind}, the first: {details[0]}" for kind, details in sorted(kinds.items())]
    return [f"{total:,} rows refused" + (":" if lines else ""), *lines]
