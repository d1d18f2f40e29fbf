"""Access control lists of stored objects: order, principals, inheritance (CDMI 16.1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity import Principal
from gateway.model import Ace, AceFlag, AceMask, AceType, Acl
from gateway.policy.acl import ALL_PERMS, DEFAULT, Guarded, granted, inherited

ADA = Principal("local:ada", "ada", "bio", ("lab",))
BOB = Principal("local:bob", "bob", "bio", ("night",))
NOBODY = Principal("anonymous:", "", "")
NONE = AceFlag(0)
READ, WRITE = AceMask.READ_OBJECT, AceMask.WRITE_OBJECT
OI, CI = AceFlag.OBJECT_INHERIT, AceFlag.CONTAINER_INHERIT


def allow(who: str, mask: AceMask = READ, flags: AceFlag = NONE) -> Ace:
    return Ace(AceType.ALLOW, who, flags, mask)


def deny(who: str, mask: AceMask = READ, flags: AceFlag = NONE) -> Ace:
    return Ace(AceType.DENY, who, flags, mask)


def thing(*acl: Ace, group: str = "lab") -> Guarded:
    return Guarded("ada", "bio", group, acl)


@pytest.mark.parametrize(
    ("who", "flags", "principals"),
    [
        ("OWNER@", NONE, "a"),
        ("GROUP@", NONE, "a"),
        ("EVERYONE@", NONE, "abn"),
        ("ANONYMOUS@", NONE, "n"),
        ("AUTHENTICATED@", NONE, "ab"),
        ("ADMINISTRATOR@", NONE, ""),
        ("ADMINUSERS@", NONE, ""),
        ("bob", NONE, "b"),
        ("night", NONE, ""),
        ("night", AceFlag.IDENTIFIER_GROUP, "b"),
        ("bob", AceFlag.IDENTIFIER_GROUP, ""),
        ("", NONE, ""),
        ("EVERYONE@", AceFlag.INHERIT_ONLY, ""),
        ("EVERYONE@", AceFlag.INHERITED, "abn"),
    ],
)
def test_an_entry_is_for_whom_it_names(who: str, flags: AceFlag, principals: str) -> None:
    guarded = thing(allow(who, flags=flags))
    people = {"a": ADA, "b": BOB, "n": NOBODY}
    assert "".join(name for name, one in people.items() if granted(one, guarded, READ)) == principals


@pytest.mark.parametrize(
    ("acl", "expected"),
    [
        ((), AceMask(0)),
        ((allow("bob"),), READ),
        ((deny("bob"), allow("bob")), AceMask(0)),
        ((allow("bob"), deny("bob")), READ),
        ((deny("ada"), allow("bob")), READ),
        ((allow("bob", READ | WRITE),), READ | WRITE),
        ((allow("bob", READ), allow("EVERYONE@", WRITE)), READ | WRITE),
        ((deny("bob", WRITE), allow("bob", READ | WRITE)), READ),
        ((Ace(AceType.AUDIT, "bob", NONE, READ),), AceMask(0)),
    ],
)
def test_for_each_right_the_first_entry_that_names_it_decides(
    acl: tuple[Ace, ...], expected: AceMask
) -> None:
    assert granted(BOB, thing(*acl), READ | WRITE) == expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (Principal("x", "root", "site", roles=frozenset({"admin"})), ALL_PERMS),
        (Principal("x", "chief", "bio", roles=frozenset({"tenant-admin"})), ALL_PERMS),
        (Principal("x", "chief", "evil", roles=frozenset({"tenant-admin"})), AceMask(0)),
        (Principal("x", "chief", "", roles=frozenset({"tenant-admin"})), AceMask(0)),
    ],
)
def test_administrators_need_no_entry(principal: Principal, expected: AceMask) -> None:
    assert granted(principal, thing(deny("EVERYONE@", ALL_PERMS)), ALL_PERMS) == expected


def test_the_group_of_what_has_none_is_nobodys() -> None:
    assert not granted(Principal("x", "x", "y", ("",)), thing(allow("GROUP@"), group=""), READ)


@pytest.mark.parametrize(
    ("flags", "to_object", "to_container"),
    [
        (NONE, None, None),
        (OI, NONE, OI | AceFlag.INHERIT_ONLY),
        (CI, None, CI),
        (OI | CI, NONE, OI | CI),
        (OI | AceFlag.NO_PROPAGATE, NONE, None),
        (CI | AceFlag.NO_PROPAGATE, None, NONE),
        (OI | CI | AceFlag.NO_PROPAGATE, NONE, NONE),
        (OI | CI | AceFlag.INHERIT_ONLY, NONE, OI | CI),
        (OI | AceFlag.IDENTIFIER_GROUP, AceFlag.IDENTIFIER_GROUP, OI | AceFlag(0x48)),
    ],
)
def test_children_get_what_the_flags_say(
    flags: AceFlag, to_object: AceFlag | None, to_container: AceFlag | None
) -> None:
    for by_container, expected in ((False, to_object), (True, to_container)):
        got: Any = inherited((allow("bob", flags=flags),), by_container=by_container)
        if expected is None:
            assert got == DEFAULT
        else:
            assert got == (allow("bob", flags=expected | AceFlag.INHERITED),)


_MASKS = st.integers(0, 0x1F07FF).map(lambda bits: AceMask(bits) & ALL_PERMS)
_ACES = st.builds(
    Ace,
    st.sampled_from(AceType),
    st.sampled_from(["OWNER@", "GROUP@", "EVERYONE@", "AUTHENTICATED@", "ada", "bob"]),
    st.integers(0, 0xCF).map(AceFlag),
    _MASKS,
)


@given(st.lists(_ACES, max_size=6), _MASKS)
def test_asking_for_several_rights_is_asking_for_each(acl: list[Ace], wanted: AceMask) -> None:
    each = AceMask(0)
    for bit in wanted:
        each |= granted(BOB, thing(*acl), bit)
    assert granted(BOB, thing(*acl), wanted) == each


@given(st.lists(_ACES, max_size=6), _ACES)
def test_an_entry_in_front_that_allows_takes_nothing_away(acl: Acl, ace: Ace) -> None:
    with_it = granted(BOB, thing(Ace(AceType.ALLOW, ace.who, ace.flags, ace.mask), *acl), ALL_PERMS)
    assert granted(BOB, thing(*acl), ALL_PERMS) & ~with_it == AceMask(0)
