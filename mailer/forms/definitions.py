"""What a form asks and says, typed: the shape of `forms.draft` and of every frozen version. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from mailer.consent import Matter
from mailer.foundation.errors import Invalid

# Slots of the disclosure, in the order they are read (C-006).
SLOTS: tuple[tuple[str, str], ...] = (
    ("who", "Who asks"),
    ("what_for", "What for"),
    ("how_often", "How often"),
    ("which_data", "Which data"),
    ("how_long", "How long"),
    ("how_to_withdraw", "How to stop"),
)
BUILT_IN_FIELDS: dict[str, str] = {"first_name": "First name", "last_name": "Last name"}
MOST_OWN_FIELDS = 6
TRACKING_KEY = "tracking"
TRACKING_LABEL = (
    "You may measure whether I open your mails and which links I follow, to make them better."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An answer besides the address. A required one needs a reason, which is kept (C-005)."""

    key: str
    label: str
    is_required: bool = False
    reason: str = ""

    @property
    def name(self) -> str:
        """The name of its input."""
        return self.key if self.key in BUILT_IN_FIELDS else f"own_{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A box to tick; its label says what ticking means. `lists` holds public ids, exactly one (C-003)."""

    key: str
    matter: Matter
    label: str
    lists: tuple[str, ...] = ()
    is_ticked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """What a person reads before they press the button."""

    who: str = ""
    what_for: str = ""
    how_often: str = ""
    which_data: str = ""
    how_long: str = ""
    how_to_withdraw: str = ""

    def slots(self) -> list[tuple[str, str, str]]:
        """Key, heading and text of every slot."""
        return [(key, heading, str(getattr(self, key))) for key, heading in SLOTS]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDefinition:
    """A form as it is written; its texts are in `language`."""

    title: str = ""
    intro: str = ""
    language: str = "en"
    button: str = ""
    success: str = ""
    fields: tuple[Field, ...] = ()
    controls: tuple[Control, ...] = ()
    disclosure: Disclosure = field(default_factory=Disclosure)

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        plain = asdict(self)
        plain["fields"] = [asdict(item) for item in self.fields]
        plain["controls"] = [
            {**asdict(item), "matter": str(item.matter), "lists": list(item.lists)}
            for item in self.controls
        ]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> FormDefinition:
        """The definition written by `to_json`. Raises Invalid for anything else."""
        try:
            return cls(
                **{
                    name: str(plain.get(name, ""))
                    for name in ("title", "intro", "button", "success")
                },
                language=str(plain.get("language", "en")),
                fields=tuple(Field(**item) for item in plain.get("fields", ())),
                controls=tuple(_control(item) for item in plain.get("controls", ())),
                disclosure=Disclosure(**plain.get("disclosure", {})),
            )
        except (TypeError, KeyError, ValueError, AttributeError):
            raise Invalid("This is not the definition of a form.") from None


def _control(item: dict[str, Any]) -> Control:
    return Control(
        key=str(item["key"]),
        matter=Matter(item["matter"]),
        label=str(item["label"]),
        lists=tuple(str(name) for name in item.get("lists", ())),
        is_ticked=bool(item.get("is_ticked", False)),
    )
