"""The profile of ODRL 2.2 in which the registry is written: its actions, operands and duties, a line each.

The JSON-LD context, the tables of the reference page and the checks of a file are derived from these tables. What
a rule means for a use is `rules`' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NAMESPACE = "urn:headwater:output-terms:1:"
PROFILE = "urn:headwater:output-terms:1"
#: Where ODRL's own JSON-LD context stands; nothing here fetches it.
ODRL_CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
ODRL = "http://www.w3.org/ns/odrl/2/"


@dataclass(frozen=True)
class Operand:
    """What a constraint may compare; `values` are the allowed ones, none of them: any slug."""

    text: str
    values: tuple[str, ...] = ()
    truth: bool = False


#: What a rule may permit or prohibit. The order is from the widest to the narrowest.
ACTIONS: Mapping[str, str] = {
    "hw:useOutputs": "Use outputs in any way at all.",
    "hw:trainAny": "Train, fine-tune or develop any machine-learning model with outputs.",
    "hw:trainGenerative": "Train any foundation model, language model or generative system with outputs.",
    "hw:improveOtherModels": "Improve any other large language model with outputs.",
    "hw:distil": "Distil or extract the provider's model by training another on its outputs.",
    "hw:trainCompeting": "Develop a model that competes with the provider, with outputs.",
    "hw:competeProduct": "Build a product or service that competes with the provider, with outputs.",
    "hw:trainImageGenerator": "Train an image generator with outputs.",
    "hw:finetuneOnProvider": "Fine-tune the provider's own model on the provider's own service with outputs.",
    "hw:collectSystematically": "Collect outputs systematically, to build a training set.",
    "hw:evaluate": "Evaluate or benchmark a model with outputs.",
    "hw:redistributeOutputs": "Pass outputs on to others.",
    "hw:stripMarks": "Remove watermarks, labels or provenance data from outputs.",
}

#: What a constraint may be about.
OPERANDS: Mapping[str, Operand] = {
    "hw:modelClass": Operand(
        "What kind of model is trained.", ("generative", "classifier", "embedding", "image-generator")
    ),
    "hw:distribution": Operand(
        "Whether the trained model stays inside or is given to others.", ("internal", "distributed")
    ),
    "hw:competesWith": Operand("The trained model competes with this provider (slug), or with “services”."),
    "hw:priorAuthorization": Operand("Whether the provider authorised it in writing before.", truth=True),
    "hw:commercial": Operand("Whether the use is commercial.", truth=True),
    "hw:onService": Operand("The provider (slug) on whose own fine-tuning service it happens."),
    "hw:modality": Operand("What kind the outputs are.", ("text", "image", "audio", "video", "code")),
    "hw:namePrefix": Operand("The beginning of the trained model's name."),
}

OPERATORS: Mapping[str, str] = {
    "eq": "is the value",
    "neq": "is not the value",
    "isAnyOf": "is one of the values",
    "isNoneOf": "is none of the values",
}

#: What a permission may ask in return.
DUTIES: Mapping[str, str] = {
    "hw:nameModelWithPrefix": "Begin the trained model's name with the prefix.",
    "attribute": "Show the text given in hw:text.",
    "hw:includeNotice": "Pass the notice or a copy of the terms on.",
    "hw:inheritLicence": "Give the trained model under the same terms, which go on to whoever gets it.",
    "hw:obtainAuthorization": "Ask the provider for written authorization first.",
    "hw:passThrough": "Keep to the terms of the model's own provider as well.",
    "hw:shareAlike": "Share adaptations under the same licence.",
}

KINDS: Mapping[str, str] = {
    "terms-of-service": "Terms for everybody with an account.",
    "commercial-terms": "Terms for businesses.",
    "acceptable-use-policy": "A policy on use that other terms incorporate.",
    "model-licence": "The licence of a model's weights.",
    "api-terms": "Terms of an API.",
    "additional-terms": "Terms that add to others for one product.",
}

ACCOUNT_TYPES = ("consumer", "business", "api", "any")
FROM_BASES = ("stated", "first-seen", "secondary", "unknown")
TO_BASES = ("stated", "next-version", "last-seen", "open", "secondary", "unknown")
EVIDENCE_BASES = ("archive", "page", "secondary")
CONFIDENCES = ("high", "medium", "low")


def context() -> dict[str, object]:
    """A JSON-LD context that says of files of this profile what ODRL's own says, with no network.

    Written from the ODRL Vocabulary 2.2 (W3C Recommendation, 2018): the terms that this profile uses.
    """
    ids = ("profile", "action", "target", "leftOperand", "operator")
    terms: dict[str, object] = {name: {"@type": "@vocab", "@id": f"odrl:{name}"} for name in ids}
    terms |= {
        name: {"@type": "@id", "@id": f"odrl:{name}"}
        for name in ("permission", "prohibition", "obligation", "duty", "constraint", "and", "or", "xone")
    }
    terms |= {name: f"odrl:{name}" for name in ("Offer", "Set", "Policy", "attribute", *OPERATORS)}
    return {
        "odrl": ODRL,
        "hw": NAMESPACE,
        "uid": "@id",
        "rightOperand": "odrl:rightOperand",
        **terms,
    }
