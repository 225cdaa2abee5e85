"""What the sections of the client file have in common: their types, and their faults as one sentence each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from cs_analysis.data.reading.secrets import mask
from cs_analysis.display.language import _, choose
from cs_analysis.errors import N_, InputError

Scalar = str | bool | int | float | date


class Section(BaseModel):
    """A section of the client file; its errors carry the key, what is there and what is allowed."""

    # hide_input_in_errors: pydantic's own message would repeat what stands in the file, a secret included
    model_config = ConfigDict(strict=True, frozen=True, populate_by_name=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            known = [f.alias or name for name, f in cls.model_fields.items()]
            for key in data:
                if key not in known:
                    raise PydanticCustomError("unknown_key", "", {"key": key, "known": known})
        return data

    @field_validator("*", mode="wrap")
    @classmethod
    def _say_what_is_allowed(cls, value: Any, handler: Any, info: Any) -> Any:
        allowed = cls.model_fields[info.field_name].description
        if allowed is None:  # a section within a section: its own keys speak for themselves
            return handler(value)
        try:
            return handler(value)
        except ValidationError as error:
            raise PydanticCustomError("bad_value", "", {"value": value, "allowed": allowed}) from error


def _day(value: Any) -> Any:
    """A TOML day, or the same in quotes."""
    if isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(value, datetime):
        raise ValueError(value)
    return value


Day = Annotated[date, BeforeValidator(_day)]
Code = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=0)]
Names = list[str]

TEXT = N_("text")
NAMES = N_("a list of names")
HEADER = N_("the header of a column in the client's file")
DAYS = N_("a whole number of days, 0 or more")
SHARE = N_("a fraction from 0 to 1")
PAIRS = N_("a table of name = name")
DAY = N_("a day such as 2023-04-01")


def unknown_section(name: str, known: list[str], file: str) -> InputError:
    """A section that the client file must not have, with the nearest that it may."""
    return InputError(
        N_("In {file}, the section [{section}] is not known; {choice}."),
        file=file,
        section=name,
        choice=choose(name, known),
    )


def sentence(error: ValidationError, file: str) -> InputError:
    """The first fault pydantic found, as one sentence."""
    fault = error.errors()[0]
    place, context = [str(p + 1) if isinstance(p, int) else p for p in fault["loc"]], fault.get("ctx", {})
    if fault["type"] == "unknown_key":
        if not place:
            return unknown_section(context["key"], context["known"], file)
        return InputError(
            N_("In {file}, {key!r} in {section} is not known; {choice}."),
            file=file,
            key=context["key"],
            section=_bracket(place),
            choice=choose(context["key"], context["known"]),
        )
    if fault["type"] == "value_or_words":
        return InputError(
            N_("In {file}, {section} must hold either comparison and value, or words."),
            file=file,
            section=_bracket(place),
        )
    if fault["type"] == "missing":
        return InputError(
            N_("In {file}, {section} lacks the key {key!r}."), file=file, section=_bracket(place[:-1]), key=place[-1]
        )
    allowed = _(context.get("allowed", N_("a section of keys and values")))
    if place[0] == "source":  # whatever stands there may be a secret
        return InputError(
            N_("In {file}, {key} in {section} must be {allowed}; it is something else."),
            file=file,
            key=place[-1],
            section=_bracket(place[:-1]),
            allowed=allowed,
        )
    return InputError(
        N_("In {file}, {key} in {section} is {value}, but it must be {allowed}."),
        file=file,
        key=place[-1],
        section=_bracket(place[:-1]),
        value=mask(_short(context.get("value", fault["input"]))),
        allowed=allowed,
    )


def _bracket(place: list[str]) -> str:
    return f"[{'.'.join(place)}]" if place else _("the file")


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
