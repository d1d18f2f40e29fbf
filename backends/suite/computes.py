"""What computes promise: the state table, what a specification says, changes all or none, saving."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from backends.base import Backend, Capability
from gateway.model import (
    COMPUTE_ACTIONS,
    GIB,
    AttachmentSpec,
    ComputeState,
    InvalidRequest,
    InvalidState,
    NotFound,
    PublicKey,
    Unsupported,
)

from .common import UNKNOWN
from .workshop import Workshop, public_key

#: The states in which a compute can stay.
STAYING = (ComputeState.RUNNING, ComputeState.STOPPED, ComputeState.SUSPENDED)
ACTIONS = {
    "start": None,
    "stop": None,
    "restart": Capability.RESTART,
    "suspend": Capability.SUSPEND,
}
ALLOWED = [(s, a, COMPUTE_ACTIONS[s][a]) for s in STAYING for a in ACTIONS if a in COMPUTE_ACTIONS[s]]
REFUSED = [(s, a) for s in STAYING for a in ACTIONS if a not in COMPUTE_ACTIONS[s]]
IDLE = [(s, a) for s, a, end in ALLOWED if end is s and a != "restart"]


class ComputeStateTests:
    def test_a_new_compute_comes_to_run_by_itself(self, workshop: Workshop) -> None:
        assert workshop.compute().state is ComputeState.RUNNING

    def test_a_compute_that_is_not_to_start_comes_to_be_stopped(self, workshop: Workshop) -> None:
        assert workshop.compute(start=False).state is ComputeState.STOPPED

    @pytest.mark.parametrize(("state", "action", "end"), ALLOWED)
    def test_an_action_on_a_compute_leads_where_the_table_says(
        self, workshop: Workshop, state: ComputeState, action: str, end: ComputeState
    ) -> None:
        capability = ACTIONS[action]
        if capability is not None:
            workshop.need(capability)
        machine = workshop.compute_in(state)
        workshop.backend.computes.act(machine.id, action)
        assert workshop.reaches("computes", machine.id, end).state is end

    @pytest.mark.parametrize(("state", "action"), REFUSED)
    def test_an_action_outside_the_table_is_refused_and_changes_nothing(
        self, workshop: Workshop, state: ComputeState, action: str
    ) -> None:
        machine = workshop.compute_in(state)
        with pytest.raises((InvalidState, Unsupported)):
            workshop.backend.computes.act(machine.id, action)
        assert workshop.backend.computes.get(machine.id) == machine

    @pytest.mark.parametrize(("state", "action"), IDLE)
    def test_an_idle_action_on_a_compute_succeeds_and_changes_nothing(
        self, workshop: Workshop, state: ComputeState, action: str
    ) -> None:
        machine = workshop.compute_in(state)
        assert workshop.backend.computes.act(machine.id, action) == machine
        assert workshop.backend.computes.get(machine.id) == machine

    def test_a_refusal_names_the_actions_that_are_allowed(self, workshop: Workshop) -> None:
        workshop.need(Capability.SUSPEND)
        machine = workshop.compute_in(ComputeState.STOPPED)
        with pytest.raises(InvalidState) as caught:
            workshop.backend.computes.act(machine.id, "suspend")
        assert "start" in caught.value.allowed

    @pytest.mark.parametrize(
        ("action", "capability"), [("suspend", Capability.SUSPEND), ("restart", Capability.RESTART)]
    )
    def test_an_action_without_its_capability_is_unsupported(
        self, workshop: Workshop, action: str, capability: Capability
    ) -> None:
        if capability in workshop.backend.capabilities:
            pytest.skip(f"has capability {capability}")
        with pytest.raises(Unsupported):
            workshop.backend.computes.act(workshop.compute().id, action)

    def test_an_unknown_action_is_unsupported(self, workshop: Workshop) -> None:
        with pytest.raises((Unsupported, InvalidState)):
            workshop.backend.computes.act(workshop.compute().id, "levitate")

    @pytest.mark.parametrize("parameters", [{"method": "by-magic"}, {"speed": "high"}])
    def test_a_wrong_parameter_is_an_invalid_request_and_changes_nothing(
        self, workshop: Workshop, parameters: dict[str, str]
    ) -> None:
        machine = workshop.compute()
        with pytest.raises(InvalidRequest):
            workshop.backend.computes.act(machine.id, "stop", parameters)
        assert workshop.backend.computes.get(machine.id).state is ComputeState.RUNNING

    def test_an_action_on_a_compute_that_does_not_exist_is_not_found(self, backend: Backend) -> None:
        with pytest.raises(NotFound):
            backend.computes.act(UNKNOWN, "start")

    @pytest.mark.parametrize("state", STAYING)
    def test_deleting_works_in_every_state(self, workshop: Workshop, state: ComputeState) -> None:
        machine = workshop.compute_in(state)
        workshop.backend.computes.delete(machine.id)
        workshop.eventually(
            lambda: machine.id not in workshop.backend.computes.ids(), f"compute {machine.id} is gone"
        )

    def test_a_compute_being_made_can_be_deleted(self, workshop: Workshop) -> None:
        made = workshop.create("computes", workshop.options.compute_spec(workshop.backend))
        workshop.backend.computes.delete(made.id)
        workshop.eventually(
            lambda: made.id not in workshop.backend.computes.ids(), f"compute {made.id} is gone"
        )


class ComputeTests:
    def test_title_summary_and_architecture_are_kept(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME)
        machine = workshop.compute(title="Web 1, käse", summary="a; b")
        assert (machine.title, machine.summary) == ("Web 1, käse", "a; b")
        assert machine.architecture

    def test_tags_are_kept(self, workshop: Workshop) -> None:
        workshop.need(Capability.TAGS)
        assert workshop.compute(tags={"team": "red", "leer": ""}).tags == {"team": "red", "leer": ""}

    def test_times_are_aware_and_in_order(self, workshop: Workshop) -> None:
        machine = workshop.compute()
        assert machine.created is not None
        assert machine.created.utcoffset() == timedelta(0)
        assert machine.created.tzinfo is UTC
        if machine.started is not None:
            assert machine.started >= machine.created

    def test_every_compute_has_a_hostname(self, workshop: Workshop) -> None:
        assert workshop.compute(title="Web server #1").hostname

    def test_an_instance_type_sets_cores_and_memory(self, workshop: Workshop) -> None:
        for kind in workshop.instance_types(2):
            machine = workshop.compute(instance_type=kind.id)
            assert (machine.cores, machine.memory) == (kind.cores, kind.memory)
            assert machine.instance_type == kind.id

    def test_the_image_is_told(self, workshop: Workshop) -> None:
        spec = workshop.options.compute_spec(workshop.backend)
        if spec.image is None:
            pytest.skip("no image")
        assert workshop.compute().image == spec.image

    def test_an_image_that_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        assert_makes_nothing(workshop, NotFound, image=UNKNOWN)

    def test_an_instance_type_that_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.noun("instance_types")
        assert_makes_nothing(workshop, NotFound, instance_type=UNKNOWN)

    @pytest.mark.parametrize("field", ["cores", "memory"])
    def test_a_compute_of_size_zero_is_an_invalid_request_naming_the_field(
        self, workshop: Workshop, field: str
    ) -> None:
        error = assert_makes_nothing(workshop, InvalidRequest, **{"cores": 1, "memory": GIB, field: 0})
        assert isinstance(error, InvalidRequest)
        assert error.field == field

    def test_a_volume_that_does_not_exist_is_not_found_and_nothing_is_made(self, workshop: Workshop) -> None:
        workshop.noun("attachments")
        volume = workshop.volume()
        links = (AttachmentSpec(volume.id), AttachmentSpec(UNKNOWN))
        assert_makes_nothing(workshop, NotFound, attachments=links)
        assert workshop.noun("volumes").get(volume.id).attachments == ()

    def test_public_keys_are_kept(self, workshop: Workshop) -> None:
        workshop.need(Capability.PUBLIC_KEYS)
        keys = (PublicKey(public_key(), "me"), PublicKey(public_key()))
        assert [key.data for key in workshop.compute(public_keys=keys).public_keys] == [k.data for k in keys]

    def test_a_compute_tells_whether_it_has_user_data(self, workshop: Workshop) -> None:
        workshop.need(Capability.USER_DATA)
        assert workshop.compute(user_data=b"#!/bin/sh\n\xff\x00").has_user_data
        assert not workshop.compute().has_user_data

    def test_a_running_compute_has_a_console(self, workshop: Workshop) -> None:
        workshop.need(Capability.CONSOLE)
        console = workshop.compute().console
        assert console is not None
        assert console.vnc or console.ssh

    def test_a_list_shows_what_get_shows(self, workshop: Workshop) -> None:
        machine = workshop.compute()
        assert list(workshop.backend.computes.list([machine.id])) == [
            workshop.backend.computes.get(machine.id)
        ]

    def test_cores_and_memory_can_change(self, workshop: Workshop) -> None:
        workshop.need(Capability.RESIZE)
        machine = workshop.compute(cores=1, memory=GIB, start=False)
        changed = workshop.backend.computes.update(machine.id, {"cores": 2, "memory": 2 * GIB})
        assert (changed.cores, changed.memory) == (2, 2 * GIB)
        seen = workshop.backend.computes.get(machine.id)
        assert (seen.cores, seen.memory) == (2, 2 * GIB)

    def test_another_instance_type_changes_the_size(self, workshop: Workshop) -> None:
        workshop.need(Capability.RESIZE)
        first, second = workshop.instance_types(2)
        machine = workshop.compute(instance_type=first.id, start=False)
        changed = workshop.backend.computes.update(machine.id, {"instance_type": second.id})
        assert changed.instance_type == second.id
        assert (changed.cores, changed.memory) == (second.cores, second.memory)

    def test_a_change_of_a_compute_with_one_wrong_value_changes_nothing(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME, Capability.RESIZE)
        machine = workshop.compute(start=False)
        with pytest.raises(InvalidRequest) as caught:
            workshop.backend.computes.update(machine.id, {"title": "new", "cores": 2, "memory": 0})
        assert caught.value.field == "memory"
        assert workshop.backend.computes.get(machine.id) == machine

    def test_everything_else_about_a_compute_can_change(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME, Capability.TAGS, Capability.PUBLIC_KEYS)
        machine = workshop.compute(start=False, tags={"a": "1"})
        keys = (PublicKey(public_key()),)
        changed = workshop.backend.computes.update(
            machine.id,
            {"architecture": "x86", "hostname": "new.example.org", "public_keys": keys, "tags": {}},
        )
        assert (changed.architecture, changed.hostname) == ("x86", "new.example.org")
        assert [key.data for key in changed.public_keys] == [key.data for key in keys]
        assert changed.tags == {}
        assert workshop.backend.computes.get(machine.id) == changed

    def test_what_cannot_change_is_refused(self, workshop: Workshop) -> None:
        machine = workshop.compute(start=False)
        with pytest.raises((InvalidRequest, Unsupported)):
            workshop.backend.computes.update(machine.id, {"id": "other"})  # type: ignore[typeddict-unknown-key]  # that is the point
        assert workshop.backend.computes.get(machine.id) == machine

    def test_none_clears_a_title_and_a_summary(self, workshop: Workshop) -> None:
        workshop.need(Capability.RENAME)
        machine = workshop.compute(title="one", summary="two")
        changed = workshop.backend.computes.update(machine.id, {"summary": None})
        assert (changed.title, changed.summary) == ("one", None)
        assert workshop.backend.computes.update(machine.id, {"title": None}).title is None


def assert_makes_nothing(workshop: Workshop, kind: type[Exception], **fields: object) -> Exception:
    """Creating with ``fields`` raises ``kind`` and leaves no compute behind."""
    computes = workshop.backend.computes
    before = computes.ids()
    with pytest.raises(kind) as caught:
        workshop.create("computes", workshop.options.compute_spec(workshop.backend, **fields))
    assert computes.ids() == before
    return caught.value


class SaveTests:
    def test_saving_makes_an_image_that_becomes_ready(self, workshop: Workshop) -> None:
        machine = workshop.compute()
        image = workshop.save(machine.id, "golden")
        assert image.title == "golden"
        assert image.id in workshop.backend.images.ids()

    def test_saving_leaves_the_compute_as_it_was(self, workshop: Workshop) -> None:
        machine = workshop.compute_in(ComputeState.STOPPED)
        workshop.save(machine.id)
        assert workshop.reaches("computes", machine.id, ComputeState.STOPPED) == machine

    def test_a_saved_image_outlives_its_compute_and_makes_another(self, workshop: Workshop) -> None:
        machine = workshop.compute()
        image = workshop.save(machine.id)
        workshop.remove("computes", machine.id)
        assert workshop.compute(image=image.id).image == image.id

    def test_saving_with_the_same_token_makes_one_image(self, workshop: Workshop) -> None:
        workshop.need(Capability.TOKENS)
        machine, token = workshop.compute(), workshop.token()
        first, second = workshop.save(machine.id, "a", token), workshop.save(machine.id, "a", token)
        assert first.id == second.id
        found = workshop.backend.images.find(token)
        assert found is not None
        assert found.id == first.id

    def test_a_suspended_compute_is_not_saved(self, workshop: Workshop) -> None:
        machine = workshop.compute_in(ComputeState.SUSPENDED)
        workshop.need(Capability.SAVE)
        with pytest.raises(InvalidState):
            workshop.backend.computes.save(machine.id)

    def test_saving_what_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.need(Capability.SAVE)
        with pytest.raises(NotFound):
            workshop.backend.computes.save(UNKNOWN)

    def test_without_the_capability_saving_is_unsupported(self, workshop: Workshop) -> None:
        if Capability.SAVE in workshop.backend.capabilities:
            pytest.skip("has capability save")
        with pytest.raises(Unsupported):
            workshop.backend.computes.save(workshop.compute().id)


class MeasureTests:
    def test_every_measure_has_one_sample_and_a_unit(self, workshop: Workshop) -> None:
        workshop.need(Capability.MEASURES)
        machine = workshop.compute()
        measures = workshop.backend.computes.measures(machine.id)
        samples = workshop.backend.computes.samples(machine.id)
        assert sorted(sample.measure for sample in samples) == sorted(measure.name for measure in measures)
        assert all(measure.unit for measure in measures)
        assert all(sample.time.utcoffset() == timedelta(0) for sample in samples)

    def test_measuring_what_does_not_exist_is_not_found(self, workshop: Workshop) -> None:
        workshop.need(Capability.MEASURES)
        with pytest.raises(NotFound):
            workshop.backend.computes.measures(UNKNOWN)
        with pytest.raises(NotFound):
            workshop.backend.computes.samples(UNKNOWN)

    def test_without_the_capability_measuring_is_unsupported(self, workshop: Workshop) -> None:
        if Capability.MEASURES in workshop.backend.capabilities:
            pytest.skip("has capability measures")
        with pytest.raises(Unsupported):
            workshop.backend.computes.samples(workshop.compute().id)
