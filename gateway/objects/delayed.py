"""Copies that go on after their request: done by one worker of all nodes, in steps, from the beginning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from gateway.identity import Caller
from gateway.model import BackendUnavailable, Completion, Conflict, GatewayError, NotFound
from gateway.objects.grafts import Graft
from gateway.objects.ways import Ways
from gateway.objects.writing import ATTEMPTS, GIVEN_UP_AT_ONCE, Writer
from gateway.store import Constraint, Transaction
from gateway.store.jobs import Job, Jobs
from gateway.store.object_rows import Held
from gateway.store.objects import LAST_NAME

#: So many objects the worker copies in one transaction.
BATCH = 500


class Delayed:
    """Does the jobs of a store."""

    def __init__(self, writer: Writer, ways: Ways, jobs: Jobs) -> None:
        self.writer, self.ways, self.rows, self.jobs = writer, ways, writer.rows, jobs
        self.database = writer.database

    def work(self, go_on: Callable[[], bool]) -> int:
        """Finish all jobs that there are, as long as ``go_on``; how many.

        What fails is told by the object that was to be made.
        """
        done = 0
        while go_on() and (jobs := self.jobs.first(1)):
            if not self._do(jobs[0], go_on):
                break
            done += 1
        return done

    def _do(self, job: Job, go_on: Callable[[], bool]) -> bool:
        """One job, from its beginning: what an earlier try has left is removed. Whether it is over."""
        moment = self.jobs.begin(job)
        top = self.rows.by_seq(job.object)
        if top is None:
            return True
        failure = ""
        try:
            if not self._empty(job, moment):
                return False
            source = self.rows.by_id(job.source)
            if source is None:
                raise NotFound("the source has been removed")
            way, from_ = self.ways.chain(top), self.ways.chain(source)
            graft = Graft(self.writer, Caller(job.principal), way, from_, as_it_is=job.as_it_is)
            tree = [one.held for one in self.rows.tree(source)[1:]]
            for first in range(0, len(tree), BATCH):
                percent = min(99, 100 * first // len(tree))
                if not go_on() or not self._step(job, moment, graft, tree[first : first + BATCH], percent):
                    return False
        except BackendUnavailable:
            raise
        except (GatewayError, Constraint) as error:
            failure = getattr(error, "message", "something was removed meanwhile")
            if not self._empty(job, moment):
                return False
        return self._end(job, moment, failure)

    def _step(
        self,
        job: Job,
        moment: int,
        graft: Graft,
        tree: Sequence[Held],
        percent: int,
    ) -> bool:
        """A part of a job; False where it is no longer ours.

        What is in the source is copied as it is now: others go on with it.
        """
        for _ in range(ATTEMPTS):
            with suppress(Constraint), self.database.write(durable=False) as tx:
                held = self._own(tx, job, moment)
                if held is None:
                    return False
                now = [self.rows.whole(one, tx) for one in tree]
                graft.copy(tx, [one for one in now if one is not None])
                self.ways.require_room(tx, held)
                self.rows.change(tx, held, replace(held.object, percent=percent))
                return True
        raise Conflict("the source is changed by others all the time")

    def _own(self, tx: Transaction, job: Job, moment: int) -> Held | None:
        """What a job makes, locked before its job as by a removal; None where the job is no longer ours."""
        held = self.rows.by_seq(job.object, tx)
        if held is None or not self.rows.lock(tx, held) or not self.jobs.stands(tx, job, moment):
            return None
        return self.rows.by_seq(job.object, tx)

    def _empty(self, job: Job, moment: int) -> bool:
        """Remove what a job has made so far; False where it is no longer ours: others fill it meanwhile."""
        while True:
            with self.database.write() as tx:
                top = self._own(tx, job, moment)
                if top is None:
                    return False
                children = self.rows.held_children(top, "", LAST_NAME, 100, tx)
                if not children:
                    return True
                self.rows.lock_tree(tx, top)
                keys = [key for child in children for key in self.rows.remove(tx, child, GIVEN_UP_AT_ONCE)]
            self.writer.give_up(keys)

    def _end(self, job: Job, moment: int, failure: str) -> bool:
        with self.database.write() as tx:
            held = self._own(tx, job, moment)
            if held is None:
                return False
            completion = Completion.ERROR if failure else Completion.COMPLETE
            percent = held.object.percent if failure else 100
            thing = replace(held.object, completion=completion, failure=failure, percent=percent)
            self.rows.change(tx, held, thing)
            self.jobs.done(tx, job)
            self.ways.record(tx, Caller(job.principal), f"{thing.kind}.complete", held)
        return True
