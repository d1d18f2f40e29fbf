"""The model of one caller: which kinds, mixins and actions there are, and what each stands for.

Kinds and the standard's mixins are fixed by what the back ends can do. Templates come from images and
instance types, zones and pools from the back ends, tags from the caller.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from backends.base import Capability
from gateway.cloud import Cloud
from gateway.identity import Caller
from gateway.lengths import NAME
from gateway.model import (
    GIB,
    Address,
    Attachment,
    Image,
    ImageState,
    InstanceType,
    Interface,
    Network,
    SecurityGroup,
    Volume,
)
from gateway.store.generations import Generations
from gateway.store.tags import Tag
from occi_gw import vocabulary as v
from occi_gw.rendering import Rendered
from occi_gw.rendering.values import Action, AttributeDefinition, Kind, Mixin

#: How long what a back end offers is taken from memory; changes made through the gateway show at once.
TTL_SECONDS = 10.0
CACHED_MODELS = 256

_NOT_IN_TERM = re.compile(r"[^a-z0-9_-]+")
_NOT_IN_TITLE = re.compile(r"[;,\s]+")


#: Actions that a back end may lack.
_NEEDS = {
    v.SUSPEND.identifier: Capability.SUSPEND,
    v.RESTART.identifier: Capability.RESTART,
    v.SAVE.identifier: Capability.SAVE,
    v.RESIZE.identifier: Capability.VOLUME_RESIZE,
    v.ONLINE.identifier: Capability.VOLUME_ACTIONS,
    v.OFFLINE.identifier: Capability.VOLUME_ACTIONS,
    v.BACKUP.identifier: Capability.VOLUME_ACTIONS,
    v.SNAPSHOT.identifier: Capability.VOLUME_ACTIONS,
    v.UP.identifier: Capability.NETWORK_ACTIONS,
    v.DOWN.identifier: Capability.NETWORK_ACTIONS,
    v.INTERFACE_UP.identifier: Capability.LINK_ACTIONS,
    v.INTERFACE_DOWN.identifier: Capability.LINK_ACTIONS,
    v.ATTACHMENT_ONLINE.identifier: Capability.LINK_ACTIONS,
    v.ATTACHMENT_OFFLINE.identifier: Capability.LINK_ACTIONS,
}


def term(id: str) -> str:
    """A term that every client reads: lower-case letters, digits, ``-`` and ``_``."""
    return _NOT_IN_TERM.sub("-", id.lower()).strip("-_") or "x"


def title(text: str) -> str:
    """A title for the model: clients split its lines at every comma and semicolon.

    An image can have been named before names had a limit; the model of everybody stands in one header.
    """
    return _NOT_IN_TITLE.sub(" ", text[:NAME]).strip()


@dataclass(frozen=True, slots=True)
class Schemes:
    """Where the site's own mixins live."""

    base: str

    @property
    def os_tpl(self) -> str:
        return f"{self.base}/occi/infrastructure/os_tpl#"

    @property
    def resource_tpl(self) -> str:
        return f"{self.base}/occi/infrastructure/resource_tpl#"

    @property
    def zone(self) -> str:
        return f"{self.base}/occi/infrastructure/availability_zone#"


@dataclass(slots=True)
class Model:
    """Kinds, mixins and actions by identifier, and the templates both ways. Not changed once built."""

    kinds: Mapping[str, Kind]
    mixins: dict[str, Mixin]
    actions: Mapping[str, Action]
    images: Mapping[str, str] = field(default_factory=dict)  # mixin identifier -> image id
    types: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    os_templates: Mapping[str, Mixin] = field(default_factory=dict)  # image id -> mixin
    resource_templates: Mapping[str, Mixin] = field(default_factory=dict)
    zone_mixins: Mapping[str, Mixin] = field(default_factory=dict)
    tags: Mapping[str, Tag] = field(default_factory=dict)  # identifier -> the caller's tag
    tag_mixins: Mapping[int, Mixin] = field(default_factory=dict)  # seq -> mixin
    locations: Mapping[str, Mixin] = field(default_factory=dict)  # path -> mixin
    #: Rendered query interface by media type and dialect.
    rendered: dict[object, Rendered] = field(default_factory=dict)

    def knows(self, identifier: str) -> bool:
        """Whether a kind, mixin or action has this identifier."""
        return identifier in self.kinds or identifier in self.mixins or identifier in self.actions

    def with_tags(self, tags: Sequence[Tag]) -> Model:
        """The model of somebody who has defined mixins."""
        if not tags:
            return self
        own = {tag.identifier: tag_mixin(tag) for tag in tags}
        return Model(
            kinds=self.kinds,
            mixins={**self.mixins, **own},
            actions=self.actions,
            images=self.images,
            types=self.types,
            zones=self.zones,
            pools=self.pools,
            os_templates=self.os_templates,
            resource_templates=self.resource_templates,
            zone_mixins=self.zone_mixins,
            tags={tag.identifier: tag for tag in tags},
            tag_mixins={tag.seq: own[tag.identifier] for tag in tags},
            locations={**self.locations, **{mixin.location: mixin for mixin in own.values()}},
        )


@dataclass(frozen=True, slots=True)
class Models:
    """What somebody sees, and how long that is good."""

    model: Model
    tagged: Model  # with that user's own mixins
    until: float  # of ``time.monotonic``
    catalogue: int
    tags: int


def tag_mixin(tag: Tag) -> Mixin:
    """A user-defined mixin as the model shows it; ``rel`` is whatever its owner wrote."""
    return Mixin(
        tag.term,
        tag.scheme,
        tag.title,
        depends=tuple((tag.rel or "").split()),
        location=tag.location,
    )


class Registry:
    """Builds models; one for each front end."""

    def __init__(self, cloud: Cloud, schemes: Schemes, prefix: str) -> None:
        self._cloud = cloud
        self._schemes = schemes
        self._prefix = prefix
        self.kinds = {kind.identifier: kind for kind in self._kinds()}
        self._fixed = {mixin.identifier: mixin for mixin in self._mixins()}
        actions = (action for category in (*self.kinds.values(),) for action in category.actions)
        self.actions = {action.identifier: action for action in actions}
        self._lock = Lock()
        self._cache: OrderedDict[object, Models] = OrderedDict()

    def models(self, caller: Caller) -> Models:
        """What the caller sees; the same for everybody of the same sight."""
        sight = caller.principal.sight
        now = caller.generations or self._cloud.generations()
        known = self._cache.get(sight)
        if (
            known is not None
            and known.catalogue == now.catalogue
            and known.tags == now.tags
            and time.monotonic() < known.until
        ):
            return known
        models = self._renewed(caller, now, known)
        with self._lock:
            self._cache[sight] = models
            self._cache.move_to_end(sight)
            if len(self._cache) > CACHED_MODELS:
                self._cache.popitem(last=False)
        return models

    def _renewed(self, caller: Caller, now: Generations, known: Models | None) -> Models:
        """Models that are good now; with what was rendered of the known ones where nothing has changed."""
        if known is not None and known.catalogue == now.catalogue and time.monotonic() < known.until:
            model, until = known.model, known.until
        else:
            model, until = self._build(caller), time.monotonic() + TTL_SECONDS
            if known is not None and known.model.mixins == model.mixins:
                model = known.model
        if known is not None and known.model is model and known.tags == now.tags:
            tagged = known.tagged
        else:
            tagged = model.with_tags(self._cloud.tags.list(caller.principal.user))
        return Models(model, tagged, until, now.catalogue, now.tags)

    def _placed(self, kind: Kind) -> Kind:
        """The kind with its location under the prefix of the endpoint."""
        if not self._prefix or kind.location is None:
            return kind
        return replace(kind, location=self._prefix + kind.location)

    def _kinds(self) -> Iterator[Kind]:
        cloud = self._cloud
        core = [(kind, f"/core/{kind.term}/") for kind in (v.ENTITY, v.RESOURCE, v.LINK)]
        for kind, location in core:
            yield self._placed(replace(kind, location=location))
        offered = (
            (v.COMPUTE, True),
            (v.NETWORK, cloud.has(Network)),
            (v.STORAGE, cloud.has(Volume)),
            (v.NETWORKINTERFACE, cloud.has(Interface)),
            (v.STORAGELINK, cloud.has(Attachment)),
            (v.IPRESERVATION, cloud.has(Address)),
            (v.SECURITYGROUP, cloud.has(SecurityGroup)),
            (v.SECURITYGROUPLINK, cloud.has(SecurityGroup)),
            (v.CONSOLE, cloud.can(Capability.CONSOLE)),
            (v.SSH_CONSOLE, cloud.can(Capability.CONSOLE)),
            (v.VNC_CONSOLE, cloud.can(Capability.CONSOLE)),
        )
        for kind, has in offered:
            if has:
                yield self._placed(self._able(kind))

    def _able(self, kind: Kind) -> Kind:
        """The kind with the actions that some back end can do."""
        can = self._cloud.can
        actions = tuple(a for a in kind.actions if a.identifier not in _NEEDS or can(_NEEDS[a.identifier]))
        return replace(kind, actions=actions)

    def _mixins(self) -> Iterator[Mixin]:
        can = self._cloud.can
        offered = (
            (v.IPNETWORK, v.NETWORK.identifier in self.kinds),
            (v.IPNETWORKINTERFACE, v.NETWORKINTERFACE.identifier in self.kinds),
            (v.OS_TPL, True),
            (v.RESOURCE_TPL, True),
            (v.USER_DATA, can(Capability.USER_DATA)),
            (v.SSH_KEY, can(Capability.PUBLIC_KEYS)),
            (v.OPENSTACK_USER_DATA, can(Capability.USER_DATA)),
            (v.OPENSTACK_PUBLIC_KEY, can(Capability.PUBLIC_KEYS)),
            (v.AVAILABILITY_ZONE, True),
            (v.FLOATINGIPPOOL, v.IPRESERVATION.identifier in self.kinds),
            (v.OSNETWORK, v.NETWORK.identifier in self.kinds),
            *((mixin, v.NETWORK.identifier in self.kinds) for mixin in v.NETWORK_CLASSES.values()),
            (v.DEFAULT_CONNECTIVITY, v.NETWORKINTERFACE.identifier in self.kinds),
        )
        for mixin, has in offered:
            if has:
                yield self._located(mixin)

    def _located(self, mixin: Mixin) -> Mixin:
        return replace(mixin, location=self._prefix + mixin.location)

    def _build(self, caller: Caller) -> Model:
        cloud = self._cloud
        images = {
            held.resource.id: self._os_template(held.resource)
            for held in cloud.list(caller, Image)
            if held.resource.state is not ImageState.ERROR
        }
        types = {offered.id: self._resource_template(offered) for offered in cloud.instance_types().values()}
        zones = {name: self._zone(name) for name in cloud.zone_names()}
        pools = {id: self._pool(id) for id in cloud.pools()}
        provider = [*images.values(), *types.values(), *zones.values(), *pools.values()]
        mixins = {**self._fixed, **{mixin.identifier: mixin for mixin in provider}}
        return Model(
            kinds=self.kinds,
            mixins=mixins,
            actions=self.actions,
            images=_reversed(images),
            types=_reversed(types),
            zones=_reversed(zones),
            pools=_reversed(pools),
            os_templates=images,
            resource_templates=types,
            zone_mixins=zones,
            locations={mixin.location: mixin for mixin in mixins.values()},
        )

    def _os_template(self, image: Image) -> Mixin:
        name = term(image.id)
        return self._located(
            Mixin(
                name,
                self._schemes.os_tpl,
                title(image.title or image.id),
                depends=(v.OS_TPL.identifier,),
                applies=(v.COMPUTE.identifier,),
                location=f"/mixin/os_tpl/{name}/",
            )
        )

    def _resource_template(self, offered: InstanceType) -> Mixin:
        name = term(offered.id)
        size = (offered.cores, offered.memory / GIB, offered.disk / GIB)
        profile = v.CRTP.get(name) == size
        return self._located(
            Mixin(
                name,
                v.CRTP_SCHEME if profile else self._schemes.resource_tpl,
                title(offered.title or offered.id),
                _fixed_sizes(offered),
                depends=(v.RESOURCE_TPL.identifier,),
                applies=(v.COMPUTE.identifier,),
                location=f"/mixin/resource_tpl/{name}/",
            )
        )

    def _zone(self, name: str) -> Mixin:
        return self._located(
            Mixin(
                name,
                self._schemes.zone,
                title(f"Zone {name}"),
                depends=(v.AVAILABILITY_ZONE.identifier,),
                applies=v.AVAILABILITY_ZONE.applies,
                location=f"/mixin/availability_zone/{name}/",
            )
        )

    def _pool(self, id: str) -> Mixin:
        return self._located(
            Mixin(
                term(id),
                f"{v.OPENSTACK}/network/floatingippool#",
                title(f"Floating pool {id}"),
                depends=(v.FLOATINGIPPOOL.identifier,),
                applies=v.FLOATINGIPPOOL.applies,
                location=f"/mixin/floatingippool/{term(id)}/",
            )
        )


def _reversed(mixins: Mapping[str, Mixin]) -> Mapping[str, str]:
    return {mixin.identifier: id for id, mixin in mixins.items()}


def _fixed_sizes(offered: InstanceType) -> tuple[AttributeDefinition, ...]:
    """What a size template sets; its values are fixed."""
    sizes = {
        "occi.compute.cores": offered.cores,
        "occi.compute.memory": offered.memory / GIB,
        v.EPHEMERAL_SIZE: offered.disk / GIB,
    }
    return tuple(
        AttributeDefinition(name, "number", mutable=False, default=value) for name, value in sizes.items()
    )


def has_profile(types: Iterable[InstanceType]) -> bool:
    """Whether the required templates of GFD.222 are on offer, so that the Server header may claim them."""
    sizes = {term(t.id): (t.cores, t.memory / GIB, t.disk / GIB) for t in types}
    return all(sizes.get(name) == v.CRTP[name] for name in v.CRTP_REQUIRED)
