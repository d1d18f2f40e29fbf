"""Signing in: HTTP Basic as RFC 7617 has it, at a cost that tells nothing, forgotten when users change."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.auth import Authenticator, basic, passwords
from gateway.config import load
from gateway.model import InvalidRequest, NotAuthenticated, NotFound, TooManyRequests
from gateway.store import migrate
from gateway.store.users import User, Users, normalized
from tests.client import Client
from tests.conftest import Site

Make = Callable[..., Site]
CHALLENGE = 'Basic realm="stratusgate", charset="UTF-8"'


def _basic(user: str, password: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


def _environ(authorization: str | None = None, address: str = "192.0.2.1") -> dict[str, Any]:
    environ = {"REMOTE_ADDR": address}
    return environ if authorization is None else {**environ, "HTTP_AUTHORIZATION": authorization}


@pytest.fixture
def authenticator(site: Site) -> Authenticator:
    return site.gateway.authenticator


def test_a_good_credential_gives_the_whole_principal(authenticator: Authenticator) -> None:
    principal = authenticator.authenticate(_environ(_basic("ada", "secret")))
    assert (principal.subject, principal.user, principal.tenant) == ("local:ada", "ada", "bio")
    assert (principal.groups, principal.roles, principal.auth_method) == (("lab",), frozenset(), "basic")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        _basic("ada", "wrong"),
        _basic("ada", ""),
        _basic("nobody", "secret"),
        _basic("ADA", "secret"),
        _basic("ada ", "secret"),
        _basic("", ""),
        "Bearer abc",
        "Digest username=ada, nonce=x",
        "Nonsense",
    ],
)
def test_without_a_good_credential_there_is_one_challenge(
    authenticator: Authenticator, authorization: str | None
) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        authenticator.authenticate(_environ(authorization))
    assert refused.value.challenge == CHALLENGE


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        _basic("ada", "sec\nret"),
        _basic("a\x00da", "secret"),
        _basic("ada", "\x7f"),
        f"{_basic('ada', 'secret')},{_basic('ada', 'secret')}",
        f"{_basic('ada', 'secret')}, Bearer abc",
        f"Bearer abc,{_basic('ada', 'secret')}",
        f"{_basic('ada', 'secret')}, BASIC x",
    ],
)
def test_a_malformed_or_doubled_credential_is_a_bad_request(
    authenticator: Authenticator, authorization: str
) -> None:
    with pytest.raises(InvalidRequest):
        authenticator.authenticate(_environ(authorization))


def test_the_scheme_is_read_in_any_case(authenticator: Authenticator) -> None:
    for scheme in ("basic", "BASIC", "bAsIc"):
        assert (
            authenticator.authenticate(_environ(_basic("ada", "secret").replace("Basic", scheme))).user
            == "ada"
        )


def test_unknown_and_wrong_are_told_alike(authenticator: Authenticator) -> None:
    told = []
    for user, password in (("ada", "wrong"), ("nobody", "secret")):
        with pytest.raises(NotAuthenticated) as refused:
            authenticator.authenticate(_environ(_basic(user, password)))
        told.append((refused.value.message, refused.value.reason))
    assert told[0] == told[1]


def test_an_unknown_user_costs_as_many_hashes_as_a_wrong_password(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = passwords._HASHER.verify
    monkeypatch.setattr(
        passwords,
        "_HASHER",
        type("Counting", (), {"verify": staticmethod(lambda h, p: (verified.append(h), real(h, p))[1])}),
    )
    counts = []
    for user in ("ada", "nobody"):
        verified.clear()
        with pytest.raises(NotAuthenticated):
            authenticator.authenticate(_environ(_basic(user, "e\u0301")))
        counts.append([stored.split("$")[1:4] for stored in verified])
    assert counts[0] == counts[1]
    assert len(counts[0]) == 2


def _add(site: Site, name: str, password: str) -> None:
    site.gateway.users.add(User(normalized(name), "t", (), (), passwords.hashed(password)))


def test_names_and_passwords_are_compared_in_normal_form(site: Site, authenticator: Authenticator) -> None:
    _add(site, "Zoe\u0308", "caf\u00e9")
    for name in ("Zoe\u0308", "Zo\u00eb"):
        for password in ("caf\u00e9", "cafe\u0301"):
            assert authenticator.authenticate(_environ(_basic(name, password))).user == "Zo\u00eb"


def test_a_credential_in_latin_1_is_read_too(site: Site, authenticator: Authenticator) -> None:
    _add(site, "J\u00f6rg", "gr\u00fcn")
    assert (
        authenticator.authenticate(_environ(_basic("J\u00f6rg", "gr\u00fcn", "latin-1"))).user == "J\u00f6rg"
    )


def test_a_password_may_have_colons_and_a_name_may_not(site: Site, authenticator: Authenticator) -> None:
    _add(site, "colon", "a:b:c")
    assert authenticator.authenticate(_environ(_basic("colon", "a:b:c"))).user == "colon"
    with pytest.raises(InvalidRequest):
        normalized("a:b")


#: Control, C1, lone surrogate, unassigned, private use, bidirectional override, line separator.
UNUSABLE = ["a\nb", "\x00", "a\x85", "a\ud800", "a\u0378", "a\ue000", "a\u202eb", "a\u2028b"]


@pytest.mark.parametrize("name", ["", "x" * 129, "a:b", *UNUSABLE])
def test_a_name_that_cannot_be_used_is_refused_in_one_printable_line(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalized(name)
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    "name", ["ada", "Ada Lovelace", "Zo\u00eb", "\u5f20\u4f1f", "a@b.example", "x" * 128]
)
def test_a_name_of_printable_characters_is_taken(name: str) -> None:
    assert normalized(name) == name


@pytest.mark.parametrize("name", ["a\u0378", "a\ue000", "a\u202eb", "x" * 129])
def test_signing_in_with_a_name_that_nobody_can_have_is_a_plain_401(site: Site, name: str) -> None:
    answer = Client(site.application, name).get("/-/")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, CHALLENGE)


@pytest.fixture
def two_nodes(tmp_path: Path, store_url: str) -> Iterator[tuple[Users, list[Authenticator]]]:
    """One store, and two authenticators with a cache of their own, as on two nodes."""
    gateways = []
    for node in ("one", "two"):
        config = load(None, data=tmp_path / node, environ={}, overrides={"store": {"url": store_url}})
        (tmp_path / node).mkdir()
        gateways.append(Gateway(config))
    migrate.upgrade(gateways[0].database)
    users = gateways[0].users
    users.add(User("ada", "bio", (), (), passwords.hashed("secret")))
    yield users, [gateway.authenticator for gateway in gateways]
    for gateway in gateways:
        gateway.database.close()


def test_a_change_of_a_user_is_known_on_every_node_at_once(
    two_nodes: tuple[Users, list[Authenticator]],
) -> None:
    users, nodes = two_nodes
    old, new = _environ(_basic("ada", "secret")), _environ(_basic("ada", "new"))

    def signs_in(environ: dict[str, Any]) -> list[bool]:
        found = []
        for node in nodes:
            try:
                found.append(node.authenticate(environ).user == "ada")
            except NotAuthenticated:
                found.append(False)
        return found

    assert signs_in(old) == [True, True]
    users.set_password("ada", passwords.hashed("new"))
    assert (signs_in(old), signs_in(new)) == ([False, False], [True, True])
    users.set_disabled("ada", True)
    assert signs_in(new) == [False, False]
    users.set_disabled("ada", False)
    assert signs_in(new) == [True, True]
    users.remove("ada")
    assert signs_in(new) == [False, False]
    users.add(User("ada", "other", (), ("admin",), passwords.hashed("new")))
    assert nodes[1].authenticate(new).tenant == "other"


def test_changing_a_user_who_is_not_there_is_told(two_nodes: tuple[Users, list[Authenticator]]) -> None:
    users, _ = two_nodes
    for change in (
        lambda: users.set_password("bob", "x"),
        lambda: users.set_disabled("bob", True),
        lambda: users.remove("bob"),
    ):
        with pytest.raises(NotFound):
            change()


def test_a_known_sign_in_is_not_hashed_again(
    site: Site, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator.authenticate(_environ(_basic("ada", "secret")))
    monkeypatch.setattr(basic, "matches", lambda stored, password: pytest.fail("hashed again"))
    assert authenticator.authenticate(_environ(_basic("ada", "secret"))).user == "ada"


def test_too_many_failures_of_one_address_are_429_with_retry_after(make_site: Make) -> None:
    site = make_site(auth={"failures_per_minute": 3})
    wrong, right = Client(site.application, "ada", "wrong"), Client(site.application, "ada", "secret")
    statuses = [wrong.get("/-/").status for _ in range(4)]
    assert 429 in statuses[3:] or statuses[3] == 401  # a new minute may have begun between two of them
    for _ in range(4):
        limited = wrong.get("/-/")
    assert limited.status == 429
    assert 0 < int(limited.headers["retry-after"]) <= 60
    assert right.get("/-/").status == 429


def test_the_right_password_of_a_disabled_user_counts_as_a_failure(make_site: Make) -> None:
    site = make_site(auth={"failures_per_minute": 3})
    site.gateway.users.set_disabled("ada", True)
    tries = [site.client("ada").get("/-/").status for _ in range(8)]
    assert tries[-1] == 429 or 429 in [site.client("ada").get("/-/").status for _ in range(8)]


def test_failures_of_one_address_do_not_lock_out_another_or_the_signed_in(make_site: Make) -> None:
    authenticator = make_site(auth={"failures_per_minute": 1}).gateway.authenticator
    authenticator.authenticate(_environ(_basic("ada", "secret")))
    for _ in range(3):
        with pytest.raises((NotAuthenticated, TooManyRequests)):
            authenticator.authenticate(_environ(_basic("ada", "wrong")))
    assert authenticator.authenticate(_environ(_basic("ada", "secret"))).user == "ada"
    assert authenticator.authenticate(_environ(_basic("bob", "secret"), address="192.0.2.2")).user == "bob"


def test_a_realm_of_ones_own_is_in_the_challenge(make_site: Make) -> None:
    site = make_site(auth={"realm": "the site"})
    answer = Client(site.application, "").get("/-/")
    assert answer.headers["www-authenticate"] == 'Basic realm="the site", charset="UTF-8"'
