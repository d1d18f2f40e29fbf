"""What another's machine is linked to is not deleted: the whole request is refused, nothing is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.model import Address, Compute, Network, Resource, SecurityGroup, Volume
from tests.client import BASE, COMPUTE, NETWORK, NETWORKINTERFACE, OGF, STORAGE, STORAGELINK, Client
from tests.conftest import Site
from tests.gateway.test_permissions import ADA

INFRA = f"{OGF}/infrastructure#"
IPRESERVATION = f'ipreservation; scheme="{INFRA}"; class="kind"'
SECURITYGROUP = f'securitygroup; scheme="{INFRA}"; class="kind"'
SECURITYGROUPLINK = f'securitygrouplink; scheme="{INFRA}"; class="kind"'

#: noun, kind and attributes of what is linked to, kind of the link
ENDS = {
    "network": (Network, NETWORK, (), NETWORKINTERFACE),
    "storage": (Volume, STORAGE, ("occi.storage.size=1",), STORAGELINK),
    "ipreservation": (Address, IPRESERVATION, (), NETWORKINTERFACE),
    "securitygroup": (SecurityGroup, SECURITYGROUP, ('occi.securitygroup.rules="[]"',), SECURITYGROUPLINK),
}


def _linked(client: Client, kind: str, source: str, target: str) -> str:
    ends = (f'occi.core.source="{source}"', f'occi.core.target="{target}"')
    return client.create(kind, *ends)


class Shared:
    """Something of ada's, shared with bob, to which machines of both are linked."""

    def __init__(self, site: Site, term: str, *, linked: tuple[str, ...] = ("ada", "bob")) -> None:
        noun, kind, attributes, link = ENDS[term]
        self.ada, self.bob = site.client("ada"), site.client("bob")
        self.path = self.ada.create(kind, *attributes)
        _share(site, noun, self.path)
        self.links: dict[str, str] = {}
        self.machines: dict[str, str] = {}
        for user in linked:
            client: Client = getattr(self, user)
            self.machines[user] = client.create(COMPUTE)
            self.links[user] = _linked(client, link, self.machines[user], self.path)

    def is_whole(self) -> bool:
        return self.ada.get(self.path).status == 200 and all(
            getattr(self, user).get(link).status == 200 for user, link in self.links.items()
        )


def _share(site: Site, noun: type[Resource], path: str) -> None:
    site.cloud.share(ADA, noun, path.rpartition("/")[2], mode=0o606)


@pytest.fixture
def shared(make_site: Callable[..., Site]) -> Callable[..., Shared]:
    """Makes something shared on a new site whose volumes can be attached more than once."""
    pools = {"public": "203.0.113.0/28"}
    return lambda term, **how: Shared(
        make_site(backends={"default": {"driver": "sandbox", "pools": pools}}), term, **how
    )


@pytest.mark.parametrize("term", ENDS)
def test_what_anothers_machine_is_linked_to_is_not_deleted(shared: Callable[..., Shared], term: str) -> None:
    both = ("ada", "bob") if term in ("network", "securitygroup") else ("bob",)
    there = shared(term, linked=both)
    answer = there.ada.delete(there.path)
    assert (answer.status, "other users" in answer.text) == (409, True), answer.text
    assert there.machines["bob"].rpartition("/")[2] not in answer.text
    assert there.is_whole()


@pytest.mark.parametrize("term", ENDS)
@pytest.mark.parametrize("how", ["the collection", "by name", "everything"])
def test_a_collection_with_one_that_stays_is_refused_as_a_whole(
    shared: Callable[..., Shared], term: str, how: str
) -> None:
    there = shared(term, linked=("bob",))
    own = there.ada.create(ENDS[term][1], *ENDS[term][2])
    machine = there.ada.create(COMPUTE)
    named = "".join(f"X-OCCI-Location: {BASE}{path}\n" for path in (own, there.path))
    path = "/" if how == "everything" else f"/{term}/"
    answer = there.ada.delete(path, named if how == "by name" else b"", Content_Type="text/plain")
    assert (answer.status, "nothing was deleted" in answer.text) == (409, True), answer.text
    assert there.is_whole()
    assert there.ada.get(own).status == there.ada.get(machine).status == 200


@pytest.mark.parametrize("term", ENDS)
def test_links_of_the_callers_own_machines_go_along(shared: Callable[..., Shared], term: str) -> None:
    there = shared(term, linked=("ada",))
    assert there.ada.delete(there.path).status == 200
    assert there.ada.get(there.path).status == there.ada.get(there.links["ada"]).status == 404
    assert there.ada.get(there.machines["ada"]).status == 200
    assert there.path not in there.ada.get(there.machines["ada"]).text


@pytest.mark.parametrize("term", ENDS)
def test_an_admin_takes_the_links_of_all_users_along(shared: Callable[..., Shared], term: str) -> None:
    there = shared(term, linked=("bob",))
    admin = Client(there.bob.application, "admin")
    assert admin.delete(there.path).status == 200
    assert there.bob.get(there.links["bob"]).status == 404


def test_what_has_become_free_is_deleted(shared: Callable[..., Shared]) -> None:
    there = shared("network", linked=("bob",))
    assert there.bob.delete(there.links["bob"]).status == 200
    assert there.ada.delete("/network/").status == 200
    assert there.ada.get(there.path).status == 404


def test_a_machine_that_its_owner_may_not_manage_any_more_keeps_a_collection(site: Site, ada: Client) -> None:
    locked, other = ada.create(COMPUTE), ada.create(COMPUTE)
    site.cloud.share(ADA, Compute, locked.rpartition("/")[2], mode=0o400)
    assert ada.delete("/compute/").status == 403
    assert ada.get(other).status == 200
