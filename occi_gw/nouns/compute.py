"""Compute (GFD.184 section 3.1, GFD.224): templates, contextualization, inline links, actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from gateway import lengths
from gateway.cloud import Held
from gateway.model import (
    COMPUTE_ACTIONS,
    Attachment,
    Compute,
    ComputeSpec,
    Conflict,
    Forbidden,
    Image,
    ImageSpec,
    Interface,
    InterfaceSpec,
    InvalidRequest,
    Network,
    NotFound,
    PublicKey,
    allowed_actions,
    shorten,
)
from occi_gw import vocabulary as v
from occi_gw.mapping import (
    COMPUTE_FIELDS,
    COMPUTE_STATES,
    OPENSTACK_KEY_FIELDS,
    SSH_KEY_FIELDS,
    Field,
    encoded_user_data,
    text,
    user_data,
)
from occi_gw.nouns.attributes import Wish
from occi_gw.nouns.base import Made, Noun
from occi_gw.nouns.links import AttachmentNoun, InterfaceNoun, LinkNoun
from occi_gw.nouns.of_compute import OfCompute, SecurityGroupLinkNoun
from occi_gw.rendering.values import Action, Entity, LinkLine, LinkRendering, Mixin, Value
from occi_gw.scene import Incoming, Scene

_USER_DATA = {
    "occi.compute.userdata": user_data,
    "occi.compute.user_data": user_data,  # what ooi reads
    "org.openstack.compute.user_data": encoded_user_data,
}
#: OCCI and OpenStack form of one thing; ooi answers 409 to both.
_EITHER = (
    ("occi.compute.userdata", "org.openstack.compute.user_data"),
    ("occi.credentials.ssh.publickey", "org.openstack.credentials.publickey.data"),
)
_CONNECTED = v.DEFAULT_CONNECTIVITY.identifier
_KEY_NAME = "org.openstack.credentials.publickey.name"


class ComputeNoun(Noun[Compute]):
    type = Compute
    fields = COMPUTE_FIELDS
    mixin_fields: ClassVar[Mapping[str, tuple[Field, ...]]] = {
        v.SSH_KEY.identifier: SSH_KEY_FIELDS,
        v.OPENSTACK_PUBLIC_KEY.identifier: OPENSTACK_KEY_FIELDS,
    }
    actions: ClassVar[Mapping[str, str]] = {
        action.identifier: action.term for action in (v.START, v.STOP, v.RESTART, v.SUSPEND, v.SAVE)
    }

    def spec(self, scene: Scene, incoming: Incoming, wish: Wish) -> ComputeSpec:
        model = scene.model
        fields = dict(wish.fields)
        if name := incoming.attributes.get(_KEY_NAME):
            fields["public_keys"] = tuple(
                PublicKey(k.data, text(name)) for k in fields.get("public_keys", ())
            )
        spec = ComputeSpec(
            **fields,
            image=_one(incoming.mixins, model.images, "os_tpl"),
            instance_type=_one(incoming.mixins, model.types, "resource_tpl"),
            user_data=_user_data(incoming.attributes),
        )
        spec = self._linked(scene, spec, incoming.links)
        if not spec.interfaces and any(m == scene.model.mixins.get(_CONNECTED) for m in incoming.mixins):
            network = self._connected_to(scene, incoming.attributes.get(v.CONNECTIVITY))
            spec = replace(spec, interfaces=(InterfaceSpec(network=network),))
        return spec

    @staticmethod
    def _connected_to(scene: Scene, wanted: Value | None) -> str:
        """The network that a connectivity means: the caller's own, else one that is for all tenants.

        Networks that others of the tenant share do not count: nobody is to be led into another's network.
        """
        if wanted not in v.NETWORK_CLASSES:
            words = ", ".join(v.NETWORK_CLASSES)
            raise InvalidRequest(f"{v.CONNECTIVITY}: one of {words}", field="connectivity")
        kept = v.NETWORK_CLASSES[str(wanted)].identifier
        held = [
            one
            for one in scene.cloud.list(scene.caller, Network)
            if kept in one.overlay.extra.get("mixins", ())
        ]
        own = [one for one in held if one.overlay.owner == scene.caller.principal.user]
        for one in own or [one for one in held if one.overlay.other_tenants]:
            return one.resource.id
        raise InvalidRequest(
            f"{v.CONNECTIVITY}: no network here has the mixin {kept}; name a network by a Link",
            field="connectivity",
        )

    def _linked(self, scene: Scene, spec: ComputeSpec, links: Sequence[LinkLine]) -> ComputeSpec:
        """The specification with the inline links of the request."""
        for line in links:
            noun, link = _ready(scene, line)
            if isinstance(noun, AttachmentNoun):
                spec = replace(spec, attachments=(*spec.attachments, noun.spec_of(scene, link)))
            elif isinstance(noun, InterfaceNoun):
                spec = replace(spec, interfaces=(*spec.interfaces, noun.spec_of(scene, link)))
            else:
                spec = replace(spec, security_groups=(*spec.security_groups, scene.locate(line.target)[1]))
        return spec

    def wish(self, attributes: Mapping[str, Value], present: Entity | None = None) -> Wish:
        if present is not None and any(name in attributes for name in _USER_DATA):
            raise Forbidden("user data is given once, when the compute is made", reason="immutable")
        if present is not None and v.CONNECTIVITY in attributes:
            raise Forbidden(f"{v.CONNECTIVITY} is chosen when the compute is made", reason="immutable")
        for one, other in _EITHER:
            if one in attributes and other in attributes:
                raise Conflict(f"{one} and {other} say the same; send one")
        rest = {n: value for n, value in attributes.items() if n not in _USER_DATA and n != _KEY_NAME}
        return super().wish(rest, present)

    def unknown(self, name: str, present: Entity | None) -> None:
        if name != v.EPHEMERAL_SIZE:
            super().unknown(name, present)
        elif present is not None:
            raise Forbidden(f"{name} is set by the resource template", reason="immutable")

    def after_create(self, scene: Scene, incoming: Incoming, held: Held[Compute]) -> None:
        """Foreign attributes of inline links, now that the links have identifiers."""
        made: dict[type[Any], list[Any]] = {
            Attachment: list(held.resource.attachments),
            Interface: list(held.resource.interfaces),
        }
        for line in incoming.links:
            noun, link = inline(scene, line)
            if not isinstance(noun, AttachmentNoun | InterfaceNoun):
                continue
            target = scene.locate(line.target)[1]
            found = made[noun.type]
            one = next((f for f in found if target in (getattr(f, "volume", None), _network(f))), None)
            extra = noun.extra(link.mixins, noun.wish(link.attributes), scene)
            if one is not None and extra:
                found.remove(one)
                scene.cloud.update(scene.caller, noun.type, one.id, {}, extra=extra)

    def state_of(self, resource: Compute) -> tuple[str, str | None]:
        return COMPUTE_STATES[resource.state], resource.state_message

    def allowed(self, resource: Compute) -> Sequence[str]:
        return allowed_actions(COMPUTE_ACTIONS, resource.state)

    def mixins_of(self, scene: Scene, held: Held[Compute]) -> list[Mixin]:
        resource, model = held.resource, scene.model
        found = []
        for table, id in (
            (model.os_templates, resource.image),
            (model.resource_templates, resource.instance_type),
            (model.zone_mixins, held.overlay.zone),
        ):
            if id is not None and (mixin := table.get(id)) is not None:
                found.append(mixin)
        kept = held.overlay.extra.get("mixins", ())
        if resource.public_keys and v.OPENSTACK_PUBLIC_KEY.identifier not in kept:
            found.append(model.mixins[v.SSH_KEY.identifier])
        return found

    def links_of(self, scene: Scene, held: Held[Compute]) -> tuple[LinkRendering, ...]:
        compute, nouns = held.resource, scene.nouns
        if not (compute.interfaces or compute.attachments or compute.security_groups or compute.console):
            return ()
        source = held.overlay.path or self.location + compute.id
        found: list[LinkRendering] = []
        interfaces = nouns.get(v.NETWORKINTERFACE.identifier)
        if isinstance(interfaces, InterfaceNoun):
            found += [interfaces.inside(scene, source, link) for link in compute.interfaces]
        attachments = nouns.get(v.STORAGELINK.identifier)
        if isinstance(attachments, AttachmentNoun):
            found += [attachments.inside(scene, source, link) for link in compute.attachments]
        for kind in (v.SECURITYGROUPLINK, v.CONSOLE):
            noun = nouns.get(kind.identifier)
            if isinstance(noun, OfCompute):
                found += noun.of_compute(scene, source, compute)
        return tuple(found)

    def mixin_changes(
        self, scene: Scene, incoming: Incoming, present: Entity, *, full: bool
    ) -> dict[str, Any]:
        """A new size template replaces the old one at once; the image stays what it was."""
        model, own = scene.model, {mixin.identifier for mixin in present.mixins}
        changes = super().mixin_changes(scene, incoming, present, full=full)
        image = _one([m for m in incoming.mixins if m.identifier not in own], model.images, "os_tpl")
        if image is not None:
            raise Forbidden("the OS template of a compute does not change", reason="immutable")
        size = _one([m for m in incoming.mixins if m.identifier not in own], model.types, "resource_tpl")
        if size is not None:
            changes["instance_type"] = size
        elif self._custom_size(scene, incoming, present):
            changes["instance_type"] = None
        if full and any(
            m.identifier in (v.SSH_KEY.identifier, v.OPENSTACK_PUBLIC_KEY.identifier) for m in present.mixins
        ):
            sent = {m.identifier for m in incoming.mixins}
            if not sent & {v.SSH_KEY.identifier, v.OPENSTACK_PUBLIC_KEY.identifier}:
                changes["public_keys"] = ()
        return changes

    def _custom_size(self, scene: Scene, incoming: Incoming, present: Entity) -> bool:
        """Whether cores or memory are set apart from the size template that the compute has."""
        fresh = self.fresh(scene, incoming.attributes, present)
        return "occi.compute.cores" in fresh or "occi.compute.memory" in fresh

    def check_link(self, scene: Scene, link: LinkLine) -> None:
        noun, incoming = _ready(scene, link)
        target, id = scene.locate(link.target)
        if not scene.cloud.knows(scene.caller, target.type, id):
            raise NotFound(f"no {target.kind.term} {shorten(id)}")
        if isinstance(noun, LinkNoun):
            noun.spec_of(scene, incoming)

    def add_link(self, scene: Scene, id: str, link: LinkLine) -> Made | None:
        noun, incoming = inline(scene, link)
        made: Made | None = noun.create_between(scene, id, incoming)
        return made

    def act_all(
        self, scene: Scene, ids: Sequence[str], action: Action, attributes: Mapping[str, Value]
    ) -> None:
        if not self.yields(action):
            super().act_all(scene, ids, action, attributes)
            return
        for id in ids:
            self.act(scene, id, action, attributes)

    def yields(self, action: Action) -> bool:
        return self.action_name(action) == "save"

    def act(self, scene: Scene, id: str, action: Action, attributes: Mapping[str, Value]) -> Mixin | None:
        """As every noun; ``save`` yields the new OS template."""
        if not self.yields(action):
            return super().act(scene, id, action, attributes)
        parameters = self.parameters(action, attributes)
        lengths.check(parameters)  # under the name that the client gave
        title = text(parameters["name"]) if "name" in parameters else None
        held = scene.cloud.create(scene.caller, Image, ImageSpec(title=title, compute=id))
        scene.forget()
        return scene.model.os_templates[held.resource.id]


def _network(link: Any) -> str | None:
    if isinstance(link, Interface):
        return link.reservation or link.network
    return None


def _one(mixins: Sequence[Mixin], table: Mapping[str, str], family: str) -> str | None:
    """The one template of a family among the mixins. Raises InvalidRequest for two."""
    found = [table[mixin.identifier] for mixin in mixins if mixin.identifier in table]
    if len(found) > 1:
        raise InvalidRequest(f"Category: two templates of family {family}; name one", field="category")
    return found[0] if found else None


def _user_data(attributes: Mapping[str, Value]) -> bytes | None:
    for name, read in _USER_DATA.items():
        if name in attributes:
            try:
                return read(attributes[name])
            except ValueError as error:
                raise InvalidRequest(f"{name}: this is not {error}", field="user_data") from None
    return None


def _ready(scene: Scene, line: LinkLine) -> tuple[Any, Incoming]:
    """As ``inline``; what is wrong with attributes and mixins is refused now, not when something is made."""
    noun, link = inline(scene, line)
    if isinstance(noun, LinkNoun):
        noun.extra(link.mixins, noun.wish(link.attributes), scene)
    return noun, link


def inline(scene: Scene, line: LinkLine) -> tuple[Any, Incoming]:
    """The noun and the request of a link that stands inside a compute.

    ``self``, identifier, source and target of a client's making count for nothing: rOCCI sends them.
    """
    categories = [scene.tagged.kinds.get(c) or scene.tagged.mixins.get(c) for c in line.category]
    for name, found in zip(line.category, categories, strict=True):
        if found is None:
            raise InvalidRequest(f"Link: category {shorten(name)} is not known here", field="link")
    kinds = [c for c in categories if c is not None and c.identifier in scene.nouns]
    target = scene.locate(line.target)[0]
    kind_id = kinds[0].identifier if kinds else _BY_TARGET.get(target.kind.identifier, "")
    noun = scene.nouns.get(kind_id)
    if noun is None or not isinstance(noun, AttachmentNoun | InterfaceNoun | SecurityGroupLinkNoun):
        raise InvalidRequest(
            f"Link: no kind of link leads from a compute to {shorten(line.target)}", field="link"
        )
    noun.check_target(target)
    mixins = tuple(c for c in categories if isinstance(c, Mixin))
    noun.check_mixins(mixins)
    ends = ("occi.core.id", "occi.core.source", "occi.core.target")
    attributes = {n: value for n, value in line.attributes.items() if n not in ends}
    attributes["occi.core.target"] = line.target
    return noun, Incoming(noun.kind, mixins, None, attributes, ())


_BY_TARGET = {
    v.NETWORK.identifier: v.NETWORKINTERFACE.identifier,
    v.IPRESERVATION.identifier: v.NETWORKINTERFACE.identifier,
    v.STORAGE.identifier: v.STORAGELINK.identifier,
    v.SECURITYGROUP.identifier: v.SECURITYGROUPLINK.identifier,
}
