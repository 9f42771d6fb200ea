"""What a C2PA manifest (a sidecar `.c2pa`) claims: digital source types, software agents, training and mining.

Needs the extra `manifest`. Nothing is fetched: remote manifests, timestamps and revocation lists stay where they are.
Whether the signature and the bytes fit is checked elsewhere.
"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from headwater.errors import UnreadableInput, UsageError, Where
from headwater.provenance.manifest.bounded import parsed_json
from headwater.provenance.manifest.claims import ClaimedSignal, Draft

#: IPTC's code list of digital source types.
IPTC: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED: Final = IPTC + "trainedAlgorithmicMedia"
COMPOSITE: Final = IPTC + "compositeWithTrainedAlgorithmicMedia"
#: Media type of an archive that carries its manifest inside.
ZIP: Final = "application/x-zip"
#: Parameter of `c2pa.created` that names all generators; `softwareAgent` has room for one.
GENERATORS: Final = "headwater.generators"
#: Parameter that holds what is claimed of the data set as a whole (`whole`).
WHOLE_PARAMETER: Final = "headwater.claimed_of_the_whole"
_MINING: Final = ("cawg.training-mining", "c2pa.training-mining")
_ACTIONS: Final = ("c2pa.actions", "c2pa.actions.v2")

#: Offline, and strict: what these name is looked for on the network otherwise.
OFFLINE: Final[dict[str, Any]] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}
}


def c2pa() -> Any:
    """The module of c2pa-python; `UsageError` where the extra isn't installed."""
    try:
        import c2pa as module
    except ImportError:
        hint = "pip install 'headwater[manifest]'"
        raise UsageError("C2PA needs the package c2pa-python", hint=hint) from None
    return module


def c2pa_claims(source: BinaryIO, path: str, form: str = "application/c2pa") -> Draft:
    """The claims of the active manifest in a sidecar, or within a file of the media type `form`."""
    module = c2pa()
    try:
        with (
            module.Context.from_dict(OFFLINE) as context,
            module.Reader(form, source, context=context) as reader,
        ):
            store = parsed_json(reader.json().encode(), path)
    except module.C2paError:  # its message may quote what the file holds
        raise UnreadableInput("is not a C2PA manifest that can be read", where=Where(path)) from None
    draft = Draft(path, "C2PA manifest")
    active = store.get("manifests", {}).get(store.get("active_manifest")) or {}
    draft.say("name", active.get("title"), "title")
    for assertion in active.get("assertions") or ():
        if isinstance(assertion, dict) and isinstance(data := assertion.get("data"), dict):
            if assertion.get("label") in _ACTIONS:
                _from_actions(data, draft)
            elif assertion.get("label") in _MINING:
                _from_mining(data, draft)
    return draft


def _from_actions(data: dict[str, Any], draft: Draft) -> None:
    actions = data.get("actions")
    for action in actions if isinstance(actions, list) else ():
        if not isinstance(action, dict):
            continue
        source = str(action.get("digitalSourceType", ""))
        if source.endswith(("trainedAlgorithmicMedia", "TrainedAlgorithmicMedia")):
            draft.synthetic = True
            agent = action.get("softwareAgent")
            agents = [agent.get("name") if isinstance(agent, dict) else agent]
            parameters = action.get("parameters")
            more = parameters.get(GENERATORS) if isinstance(parameters, dict) else None
            draft.add("generators", [*agents, *(more if isinstance(more, list) else [])], "softwareAgent")
        if source == COMPOSITE:
            draft.human = True
        if isinstance(parameters := action.get("parameters"), dict) and WHOLE_PARAMETER in parameters:
            draft.audited(parameters[WHOLE_PARAMETER])


def _from_mining(data: dict[str, Any], draft: Draft) -> None:
    entries = data.get("entries")
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        use = name.removeprefix("cawg.").removeprefix("c2pa.")
        value = draft.text(entry.get("use") if isinstance(entry, dict) else entry, name)
        if value:
            draft.put("signals", ClaimedSignal("cawg.training-mining", use, value, name))
