"""What holds when many ask at the same moment: nothing is lost, nothing is given twice."""

from __future__ import annotations

import pytest

from backends.base import Capability
from gateway.model import AttachmentSpec, Conflict, InterfaceSpec, NotFound, QuotaExceeded

from .workshop import THREADS, Workshop, addresses_of, errors, race, results


class ConcurrencyTests:
    def test_of_many_computes_made_at_once_none_is_lost_or_doubled(self, workshop: Workshop) -> None:
        spec = workshop.options.compute_spec(workshop.backend, title="suite", start=False)
        made = results(race(lambda _: workshop.create("computes", spec).id))
        assert len(set(made)) == THREADS
        assert sorted(workshop.backend.computes.ids(made)) == sorted(made)

    def test_the_same_token_from_many_threads_makes_one(self, workshop: Workshop) -> None:
        workshop.need(Capability.TOKENS)
        spec = workshop.options.compute_spec(workshop.backend, start=False, token=workshop.token())
        made = results(race(lambda _: workshop.create("computes", spec).id))
        assert len(made) == THREADS
        assert len(set(made)) == 1

    def test_of_many_computes_deleted_at_once_none_stays(self, workshop: Workshop) -> None:
        made = [workshop.compute(start=False).id for _ in range(THREADS)]
        outcomes = race(lambda number: workshop.backend.computes.delete(made[number]))
        assert errors(outcomes) == []
        workshop.eventually(lambda: not workshop.backend.computes.ids(made), "all computes are gone")

    def test_one_compute_deleted_by_many_threads_is_deleted(self, workshop: Workshop) -> None:
        machine = workshop.compute(start=False)
        outcomes = race(lambda _: workshop.backend.computes.delete(machine.id))
        assert {type(error) for error in errors(outcomes)} <= {NotFound}
        assert results(outcomes)
        workshop.eventually(lambda: not workshop.backend.computes.ids([machine.id]), "the compute is gone")

    def test_one_of_many_threads_attaches_the_volume(self, workshop: Workshop) -> None:
        attachments = workshop.noun("attachments")
        if Capability.SHARED_VOLUMES in workshop.backend.capabilities:
            pytest.skip("has capability shared-volumes")
        volume = workshop.volume()
        machines = [workshop.compute(start=False).id for _ in range(4)]
        outcomes = race(lambda n: attachments.create(AttachmentSpec(volume.id, machines[n])), len(machines))
        (winner,) = results(outcomes)
        assert {type(error) for error in errors(outcomes)} == {Conflict}
        assert workshop.noun("volumes").get(volume.id).attachments == (winner,)

    def test_one_of_many_threads_gets_the_last_address(self, workshop: Workshop) -> None:
        interfaces = workshop.noun("interfaces")
        network = workshop.network(size=30)
        machines = [workshop.compute(start=False).id for _ in range(4)]
        for _ in addresses_of(network)[1:]:
            workshop.connect(machines[0], network.id)
        outcomes = race(lambda n: interfaces.create(InterfaceSpec(network.id, machines[n])), len(machines))
        (winner,) = results(outcomes)
        assert {type(error) for error in errors(outcomes)} <= {QuotaExceeded, Conflict}
        taken = [interfaces.get(id).address for id in interfaces.ids()]
        assert taken.count(winner.address) == 1

    def test_addresses_given_at_once_are_different(self, workshop: Workshop) -> None:
        interfaces = workshop.noun("interfaces")
        network, machine = workshop.network(size=26), workshop.compute(start=False)
        outcomes = race(lambda _: interfaces.create(InterfaceSpec(network.id, machine.id)))
        made = results(outcomes)
        assert len({link.address for link in made}) == len({link.device for link in made}) == THREADS

    def test_reading_while_others_write_sees_whole_things(self, workshop: Workshop) -> None:
        computes = workshop.backend.computes
        kept = workshop.compute(start=False)
        spec = workshop.options.compute_spec(workshop.backend, start=False)

        def work(number: int) -> bool:
            if number % 2:
                computes.delete(workshop.create("computes", spec).id)
                return True
            return kept.id in [machine.id for machine in computes.list()] and computes.get(kept.id) == kept

        assert results(race(work)) == [True] * THREADS
