"""A rights signal as a link of the chain, with the same weight as a provider's terms.

A signal that says no is a reservation: it makes no contract by itself. So its verdict is "restricted-to" (uses other
than training, or what its owner allows), never "prohibited-by-contract", and the link says whom it addresses.
"""

from __future__ import annotations

from headwater.provenance.terms.model import Link, Signal, Use, Verdict

_NAMES = {
    "robots": "robots.txt",
    "aipref": "Content-Usage (AIPREF)",
    "training-preference": "training preference token in robots.txt",
    "content-signal": "Content-Signal",
    "rsl": "RSL licence",
    "tdmrep": "TDM reservation",
    "consent": "consent",
    "opt-out": "opt-out",
    "attribution": "attribution",
    "personal-data": "personal data",
}


def signal_link(signal: Signal, use: Use) -> Link | None:
    """The link of a signal; None where it says nothing of this use."""
    if signal.says == "unsaid" or (use.action != "train" and signal.kind not in _ANY_USE):
        return None
    name = _NAMES.get(signal.kind, signal.kind)
    verdict: Verdict
    duties, conditions = signal.duties, signal.conditions
    about = f" for {signal.scope}" if signal.scope else ""
    if signal.says == "allowed":
        verdict = "allowed-with-duties" if duties else "allowed"
        sentence = f"{name} says that training is allowed{about}."
    elif signal.says == "not-allowed":
        verdict = "restricted-to"
        sentence = f"{name} reserves training{about}; it is a reservation, not a contract."
        if signal.kind == "robots":
            sentence = f"{name} asks {signal.scope} not to fetch the text; it is a request, not a contract."
        conditions = conditions or ("not for training, unless whoever made the reservation agrees",)
    else:
        verdict = "restricted-to" if conditions else "allowed-with-duties"
        sentence = f"{name} allows training{about} on conditions."
    if signal.kind in _ANY_USE and signal.says == "conditional":
        sentence = f"{name} is asked for{about}."
    return Link(
        kind="signal",
        name=f"{name}, {signal.where}" if signal.where else name,
        verdict=verdict,
        sentence=sentence,
        duties=duties,
        conditions=conditions if verdict == "restricted-to" else (),
        binds=signal.binds,
        possible=(verdict,),
    )


#: Signals that count for every use, not only for training.
_ANY_USE = ("consent", "opt-out", "attribution", "personal-data")
