"""Two gateways on one PostgreSQL and one cloud: whatever one does, the other knows at once."""

from __future__ import annotations

from tests.server.conftest import ask, basic
from tests.serving import Server

TAG = 'shared; scheme="http://site.example/tags#"; class="mixin"'


def _status(server: Server, path: str, user: str = "admin", password: str = "secret") -> int:
    return ask(server, "GET", path, basic(user, password), signed_in=False).status


def test_a_machine_made_on_one_is_listed_on_the_other(nodes: tuple[Server, Server]) -> None:
    path = nodes[0].create("compute")
    assert path in ask(nodes[1], "GET", "/compute/").text


def test_a_machine_deleted_on_one_is_gone_on_the_other(nodes: tuple[Server, Server]) -> None:
    path = nodes[0].create("compute")
    before = _status(nodes[1], path)
    ask(nodes[0], "DELETE", path)
    assert (before, _status(nodes[1], path)) == (200, 404)


def test_a_change_on_one_is_read_on_the_other(nodes: tuple[Server, Server]) -> None:
    path = nodes[0].create("compute", 'occi.core.title="before"')
    ask(nodes[1], "GET", path)
    body = b'X-OCCI-Attribute: occi.core.title="after"'
    ask(nodes[0], "POST", path, ("Content-Type", "text/plain"), body=body)
    assert 'occi.core.title="after"' in ask(nodes[1], "GET", path).text


def test_a_tag_added_on_one_is_in_the_model_of_the_other(nodes: tuple[Server, Server]) -> None:
    ask(nodes[1], "GET", "/-/")
    body = f'Category: {TAG}; location="/tag/shared/"'.encode()
    ask(nodes[0], "POST", "/-/", ("Content-Type", "text/plain"), body=body)
    assert "http://site.example/tags#" in ask(nodes[1], "GET", "/-/").text


def test_an_image_saved_on_one_is_a_template_on_the_other(nodes: tuple[Server, Server]) -> None:
    path = nodes[0].create("compute")
    before = ask(nodes[1], "GET", "/-/").text.count("infrastructure/os_tpl#")
    scheme = "http://schemas.ogf.org/occi/infrastructure/compute/action#"
    body = f'Category: save; scheme="{scheme}"; class="action"\n'.encode()
    reply = ask(nodes[0], "POST", f"{path}?action=save", ("Content-Type", "text/plain"), body=body)
    after = ask(nodes[1], "GET", "/-/").text.count("infrastructure/os_tpl#")
    assert (reply.status, after - before) == (200, 1)


def test_a_user_added_on_one_signs_in_on_the_other(nodes: tuple[Server, Server]) -> None:
    before = _status(nodes[1], "/-/", "newcomer")
    nodes[0].add_user("newcomer")
    assert (before, _status(nodes[1], "/-/", "newcomer")) == (401, 200)


def test_a_user_disabled_on_one_is_refused_on_the_other_at_once(nodes: tuple[Server, Server]) -> None:
    nodes[0].add_user("leaver")
    before = [_status(node, "/-/", "leaver") for node in nodes]
    nodes[0].command("user", "disable", "leaver")
    assert (before, [_status(node, "/-/", "leaver") for node in nodes]) == ([200, 200], [401, 401])


def test_an_old_password_is_refused_on_both_at_once(nodes: tuple[Server, Server]) -> None:
    nodes[0].add_user("changer")
    before = [_status(node, "/-/", "changer") for node in nodes]
    nodes[1].command("user", "passwd", "changer", "--password-stdin", stdin="another\n")
    after = [_status(node, "/-/", "changer") for node in nodes]
    fresh = [_status(node, "/-/", "changer", "another") for node in nodes]
    assert (before, after, fresh) == ([200, 200], [401, 401], [200, 200])
