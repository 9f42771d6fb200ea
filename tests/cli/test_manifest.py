"""`headwater manifest`: from an audit to manifests that verify, and what each exit code means."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headwater.cli.manifest import command
from headwater.errors import ConfigurationError, HeadwaterError, UsageError
from headwater.keys import SigningKey, save_signing_key
from headwater.proof import public_key_pem
from keys.certificates import chain
from provenance.manifest import audits
from provenance.manifest.hands import answer

KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(32))
Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "set"
    audits.instructions(made)
    save_signing_key(KEY, tmp_path / "sign.key")
    (tmp_path / "sign.pem").write_text(public_key_pem(KEY.public), "ascii")
    (tmp_path / "other.pem").write_text(public_key_pem(OTHER.public), "ascii")
    return made


def run(*arguments: object) -> Result:
    """Run the command; errors on purpose are raised as they are."""
    ran = CliRunner().invoke(command, [str(each) for each in arguments], standalone_mode=False)
    if ran.exception is not None:
        raise ran.exception
    return ran


def everything(folder: Path) -> Result:
    """All formats, written into the data set's folder."""
    pem, key = chain(folder.parent)
    run("new", folder)
    return run(
        "write", folder, "--data", folder, "--formats", "croissant,card,dta,statement,c2pa,c2pa-zip,iscc,eu,california",
        "--sign-with", folder.parent / "sign.key", "--c2pa-chain", pem, "--c2pa-key", key, "--samples",
    )  # fmt: skip


def checks(folder: Path, *more: object) -> tuple[int, list[dict[str, str]]]:
    ran = run("verify", folder, "--json", *more)
    return ran.return_value, json.loads(ran.stdout)["checks"]


def test_from_an_audit_to_manifests_that_verify(folder: Path) -> None:
    pytest.importorskip("c2pa")
    pytest.importorskip("iscc_lib")
    before = (folder / "data" / "train.jsonl").read_bytes()
    ran = everything(folder)
    names = {Path(line).relative_to(folder).as_posix() for line in ran.stdout.splitlines()}
    assert names == {
        "croissant.json", "README.md", "dta.json", "statement.dsse.json", "data/train.jsonl.c2pa", "rivers.zip",
        "iscc.json", "iscc.jsonl", "eu-summary.json", "eu-summary.md", "california-statement.json",
        "california-statement.md",
    }  # fmt: skip
    assert "croissant.json: description" in ran.stderr
    code, found = checks(folder, "--key", folder.parent / "sign.pem")
    assert code == 0
    ok = {(check["manifest"], check["what"]) for check in found if check["outcome"] == "ok"}
    assert ok == {
        ("croissant.json", "sha256"), ("statement.dsse.json", "sha256"), ("statement.dsse.json", "signature"),
        ("statement.dsse.json", "audit"), ("statement.dsse.json", "manifest"),
        ("data/train.jsonl.c2pa", "c2pa"), ("rivers.zip", "c2pa"),
        ("iscc.json", "iscc"),
    }  # fmt: skip
    assert {check["outcome"] for check in found} == {"ok", "not checked"}
    assert (folder / "data" / "train.jsonl").read_bytes() == before


def test_changed_data_is_a_finding_of_every_manifest(folder: Path) -> None:
    pytest.importorskip("c2pa")
    everything(folder)
    path = folder / "data" / "train.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Elbe", b"Oder"))
    code, found = checks(folder, "--key", folder.parent / "sign.pem")
    assert code == 1
    wrong = {(check["manifest"], check["what"]) for check in found if check["outcome"] == "mismatch"}
    assert wrong == {
        ("croissant.json", "sha256"),
        ("statement.dsse.json", "sha256"),
        ("data/train.jsonl.c2pa", "c2pa"),
        ("iscc.json", "iscc"),
    }
    assert any(check["why"] == "assertion.dataHash.mismatch" for check in found)


def test_a_file_that_is_gone_is_a_finding(folder: Path) -> None:
    run("write", folder, "--formats", "croissant")
    (folder / "data" / "train.jsonl").unlink()
    code, found = checks(folder)
    assert (code, found[0]["outcome"]) == (1, "missing")


def test_a_signature_of_somebody_else_is_a_finding_and_without_a_key_it_isnt_checked(folder: Path) -> None:
    run("write", folder, "--formats", "statement", "--sign-with", folder.parent / "sign.key")
    code, found = checks(folder, "--key", folder.parent / "other.pem")
    assert code == 1
    assert ("signature", "mismatch") in {(check["what"], check["outcome"]) for check in found}
    code, found = checks(folder)
    assert code == 0, "the digests hold"
    (signature,) = [check for check in found if check["what"] == "signature"]
    assert (signature["outcome"], signature["why"]) == ("not checked", "no public key was given (--key)")


def test_a_changed_statement_is_a_finding(folder: Path) -> None:
    run("write", folder, "--formats", "statement", "--sign-with", folder.parent / "sign.key")
    path = folder / "statement.dsse.json"
    envelope = json.loads(path.read_text("utf-8"))
    sig = envelope["signatures"][0]["sig"]
    envelope["signatures"][0]["sig"] = ("B" if sig[0] == "A" else "A") + sig[1:]
    path.write_text(json.dumps(envelope), "utf-8")
    assert checks(folder, "--key", folder.parent / "sign.pem")[0] == 1


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a\0b"])
def test_a_manifest_that_points_outside_reads_nothing_there(tmp_path: Path, path: str) -> None:
    distribution = [{"@type": "cr:FileObject", "contentUrl": path, "sha256": "0" * 64}]
    document = {"@context": {}, "@type": "Dataset", "name": "x", "distribution": distribution}
    (tmp_path / "croissant.json").write_text(json.dumps(document), "utf-8")
    code, found = checks(tmp_path)
    assert (code, found[0]["outcome"]) == (1, "missing")


def test_files_that_lie_elsewhere_are_not_fetched(tmp_path: Path) -> None:
    distribution = [{"@type": "cr:FileObject", "contentUrl": "https://example.org/a", "sha256": "0" * 64}]
    document = {"@context": {}, "@type": "Dataset", "name": "x", "distribution": distribution}
    (tmp_path / "croissant.json").write_text(json.dumps(document), "utf-8")
    code, found = checks(tmp_path)
    assert (code, found[0]["outcome"]) == (2, "not checked"), "nothing could be checked"


def test_nothing_to_check_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no manifest"):
        run("verify", tmp_path)


def test_the_same_audit_answers_and_key_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run("new", folder)
    answer(folder / "manifest.toml", description='"Waters"')
    formats = "croissant,card,dta,statement,iscc,eu,california"
    for name in ("one", "two"):
        arguments = ("--formats", formats, "--data", folder, "--sign-with", tmp_path / "sign.key")
        run("write", folder, "--out", tmp_path / name, *arguments)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.parametrize(
    ("formats", "hint"),
    [
        ("statement", "signing-new"),
        ("c2pa", "--data"),
        ("iscc", "--data"),
        ("croissants", "formats: croissant"),
    ],
)
def test_what_a_format_lacks_is_told_and_nothing_is_written(folder: Path, formats: str, hint: str) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(UsageError) as caught:
        run("write", folder, "--formats", f"croissant,{formats}")
    assert hint in (caught.value.hint or "")
    assert sorted(folder.rglob("*")) == before


def test_the_data_must_be_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        run("write", folder, "--formats", "iscc", "--data", tmp_path)


def test_a_public_key_that_is_none_is_told(folder: Path) -> None:
    run("write", folder, "--formats", "croissant")
    (folder.parent / "bad.pem").write_text("nonsense", "ascii")
    with pytest.raises(ConfigurationError, match="not a public key"):
        run("verify", folder, "--key", folder.parent / "bad.pem")


def test_read_shows_claims_for_people_and_for_machines(folder: Path) -> None:
    run("write", folder)
    shown = run("read", folder).stdout
    assert "generators that rows name, by an audit: gpt-4o-2024-08-06, meta-llama/Llama-3.1-8B" in shown
    assert "generators of the whole: unknown" in shown
    assert "holds text of models: yes, by claims of its rows" in shown
    document = json.loads(run("read", folder / "croissant.json", "--json").stdout)
    assert document["generator_columns"] == ["generator"]


def test_claims_dont_act_on_the_readers_screen(tmp_path: Path) -> None:
    document = {"@context": {}, "@type": "Dataset", "name": "\x1b[31mred\x07", "license": "a\nfiles: none"}
    (tmp_path / "croissant.json").write_text(json.dumps(document), "utf-8")
    shown = run("read", tmp_path).stdout
    assert "\x1b" not in shown
    assert "\nfiles: none" not in shown
    assert "\x1b" not in run("read", tmp_path, "--json").stdout


def test_a_folder_without_an_audit_is_told(tmp_path: Path) -> None:
    for verb in ("new", "write"):
        with pytest.raises(HeadwaterError) as caught:
            run(verb, tmp_path)
        assert caught.value.exit_code == 2


def test_without_the_extra_the_rest_goes_on_and_says_what_it_lacks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(folder)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    monkeypatch.setitem(sys.modules, "iscc_lib", None)
    code, found = checks(folder)
    assert code == 0
    why = [check["why"] for check in found if check["what"] in ("c2pa", "iscc")]
    assert why
    assert all("the package" in each for each in why)
    claims = json.loads(run("read", folder, "--json").stdout)
    assert claims["row_generators"]
    assert "c2pa-python" in claims["problems"][0]["what"]
    with pytest.raises(UsageError) as caught:
        run("write", folder, "--formats", "iscc", "--data", folder)
    assert caught.value.hint == "pip install 'headwater[manifest]'"


def test_the_hint_of_new_leads_to_a_set_that_verifies(folder: Path, tmp_path: Path) -> None:
    audit = tmp_path / "the audit"
    audit.mkdir()
    (folder / "audit.json").rename(audit / "audit.json")
    hint = run("new", audit).stderr.partition("headwater manifest ")[2]
    assert "--out" in hint
    run(*shlex.split(hint))
    assert (folder / "croissant.json").exists()
    assert not (audit / "croissant.json").exists()
    assert checks(folder)[0] == 0


def test_a_key_alone_signs_all_that_is_written_and_an_edit_is_told(folder: Path) -> None:
    run("write", folder, "--sign-with", folder.parent / "sign.key")
    key = ("--key", folder.parent / "sign.pem")
    ran = run("verify", folder, *key)
    assert ran.return_value == 0
    assert ran.stdout.splitlines()[0] == (
        "not checked: README.md: no signature covers it, Headwater's section and keys apart"
    )
    assert ran.stdout.splitlines()[-1] == (
        "in all: 11 ok, 1 not checked, 0 missing, 0 mismatch; signature: by a key that you gave"
    )
    path = folder / "croissant.json"
    path.write_text(path.read_text("utf-8").replace("gpt-4o-2024-08-06", "claude-3-opus"), "utf-8")
    (folder / "data" / "new.jsonl").write_text("{}\n", "utf-8")
    ran = run("verify", folder, *key)
    assert ran.return_value == 1
    assert "mismatch: manifest of croissant.json (statement.dsse.json)" in ran.stdout.splitlines()[0]
    assert "not checked: data/new.jsonl: no manifest lists it" in ran.stdout


def test_reading_what_holds_no_manifest_is_told(tmp_path: Path) -> None:
    for more in ((), ("--json",)):
        with pytest.raises(UsageError, match="no manifest"):
            run("read", tmp_path, *more)
    (tmp_path / "croissant.json").write_text("{", "utf-8")
    with pytest.raises(UsageError, match="no manifest") as caught:
        run("read", tmp_path)
    assert caught.value.exit_code == 2


def test_writing_what_nobody_confirmed_is_told(folder: Path) -> None:
    assert "no person confirmed anything" in run("write", folder, "--formats", "dta").stderr
    answer(folder / run("new", folder).stdout.strip(), confirmed_by='"Ada"')
    assert "no person confirmed" not in run("write", folder, "--formats", "dta").stderr


def test_answers_that_no_longer_fit_are_told(folder: Path) -> None:
    path = folder / "manifest.toml"
    run("new", folder)
    answer(path, confirmed_by='"Ada"')
    document = json.loads((folder / "audit.json").read_text("utf-8"))
    document["card"]["license"] = ["mit"]
    audits.written(folder, document)
    assert (
        'look again: rights.licences: ["cc-by-4.0"] was confirmed'
        in run("new", folder, "--confirm", path).stderr
    )
