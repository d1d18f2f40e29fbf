"""What every noun promises: seeing what was made, order, unknown identifiers, tokens, deleting."""

from __future__ import annotations

import pytest

from backends.base import Backend, Capability
from gateway.model import IDENTIFIER, LINK_SEPARATOR, NotFound, Unsupported

from .workshop import TOKENED, Workshop

UNKNOWN = "no-such-thing"

READABLE = (*TOKENED, "images", "instance_types", "attachments", "interfaces")


class CommonTests:
    @pytest.mark.parametrize("noun", TOKENED)
    def test_what_was_made_is_seen_by_get_list_and_ids(self, workshop: Workshop, noun: str) -> None:
        made = workshop.create(noun, workshop.spec(noun))
        collection = workshop.noun(noun)
        assert collection.get(made.id).id == made.id
        assert made.id in [resource.id for resource in collection.list()]
        assert made.id in collection.ids()
        assert [resource.id for resource in collection.list([made.id])] == [made.id]

    @pytest.mark.parametrize("noun", TOKENED)
    def test_create_returns_what_get_shows(self, workshop: Workshop, noun: str) -> None:
        made = workshop.create(noun, workshop.spec(noun))
        assert type(made) is type(workshop.noun(noun).get(made.id))
        assert made.id == workshop.noun(noun).get(made.id).id
        assert made.title == workshop.noun(noun).get(made.id).title

    @pytest.mark.parametrize("noun", TOKENED)
    def test_an_identifier_fits_one_path_segment(self, workshop: Workshop, noun: str) -> None:
        made = workshop.create(noun, workshop.spec(noun))
        assert IDENTIFIER.fullmatch(made.id)
        assert LINK_SEPARATOR not in made.id

    @pytest.mark.parametrize("noun", TOKENED)
    def test_lists_are_in_order_of_creation_whatever_order_is_asked_for(
        self, workshop: Workshop, noun: str
    ) -> None:
        made = [workshop.create(noun, workshop.spec(noun)).id for _ in range(5)]
        collection = workshop.noun(noun)
        for asked in (sorted(made), sorted(made, reverse=True)):
            assert [resource.id for resource in collection.list(asked)] == made
            assert list(collection.ids(asked)) == made
        assert [resource.id for resource in collection.list() if resource.id in made] == made
        assert [id for id in collection.ids() if id in made] == made

    @pytest.mark.parametrize("noun", TOKENED)
    def test_an_identifier_that_is_asked_for_twice_is_listed_once(
        self, workshop: Workshop, noun: str
    ) -> None:
        made = workshop.create(noun, workshop.spec(noun))
        collection = workshop.noun(noun)
        assert [resource.id for resource in collection.list([made.id, made.id])] == [made.id]
        assert list(collection.ids([made.id, made.id])) == [made.id]

    @pytest.mark.parametrize("noun", READABLE)
    def test_unknown_identifiers_are_left_out_of_a_list(self, workshop: Workshop, noun: str) -> None:
        collection = workshop.noun(noun)
        assert list(collection.list([UNKNOWN, 'quo"te\\', "ünknown"])) == []
        assert list(collection.ids([UNKNOWN])) == []

    @pytest.mark.parametrize("noun", READABLE)
    def test_a_list_of_no_identifiers_is_empty(self, workshop: Workshop, noun: str) -> None:
        assert list(workshop.noun(noun).list([])) == []
        assert list(workshop.noun(noun).ids([])) == []

    @pytest.mark.parametrize("noun", READABLE)
    def test_ids_are_those_of_the_list(self, workshop: Workshop, noun: str) -> None:
        collection = workshop.noun(noun)
        assert list(collection.ids()) == [resource.id for resource in collection.list()]

    @pytest.mark.parametrize("noun", READABLE)
    def test_getting_what_does_not_exist_is_not_found(self, workshop: Workshop, noun: str) -> None:
        with pytest.raises(NotFound):
            workshop.noun(noun).get(UNKNOWN)

    @pytest.mark.parametrize("noun", TOKENED)
    def test_deleting_what_does_not_exist_is_not_found(self, workshop: Workshop, noun: str) -> None:
        with pytest.raises(NotFound):
            workshop.noun(noun).delete(UNKNOWN)

    @pytest.mark.parametrize("noun", TOKENED)
    def test_changing_what_does_not_exist_is_not_found(self, workshop: Workshop, noun: str) -> None:
        with pytest.raises((NotFound, Unsupported)):
            workshop.noun(noun).update(UNKNOWN, {"title": "new"})

    @pytest.mark.parametrize("noun", TOKENED)
    def test_what_was_deleted_is_gone(self, workshop: Workshop, noun: str) -> None:
        made = workshop.create(noun, workshop.spec(noun))
        workshop.remove(noun, made.id)
        collection = workshop.noun(noun)
        assert made.id not in collection.ids()
        assert list(collection.list([made.id])) == []
        with pytest.raises(NotFound):
            collection.get(made.id)

    @pytest.mark.parametrize("noun", TOKENED)
    def test_deleting_one_leaves_the_others(self, workshop: Workshop, noun: str) -> None:
        one, other = (workshop.create(noun, workshop.spec(noun)) for _ in range(2))
        workshop.remove(noun, one.id)
        assert list(workshop.noun(noun).ids([one.id, other.id])) == [other.id]

    @pytest.mark.parametrize("noun", TOKENED)
    def test_a_title_can_change(self, workshop: Workshop, noun: str) -> None:
        workshop.need(Capability.RENAME)
        made = workshop.create(noun, workshop.spec(noun))
        title = workshop.token()
        assert workshop.noun(noun).update(made.id, {"title": title}).title == title
        assert workshop.noun(noun).get(made.id).title == title

    @pytest.mark.parametrize("noun", TOKENED)
    def test_a_change_of_nothing_changes_nothing(self, workshop: Workshop, noun: str) -> None:
        workshop.need(Capability.RENAME)
        made = workshop.create(noun, workshop.spec(noun))
        workshop.eventually(lambda: settled(workshop, noun, made.id), f"{noun} {made.id} is settled")
        before = workshop.noun(noun).get(made.id)
        assert workshop.noun(noun).update(made.id, {}) == before
        assert workshop.noun(noun).get(made.id) == before

    def test_a_back_end_with_every_noun_it_names_says_so_in_its_collections(self, backend: Backend) -> None:
        for noun, collection in backend.collections().items():
            assert collection.noun.replace(" ", "") == noun.__name__.lower()

    def test_a_back_end_that_works_passes_its_check(self, backend: Backend) -> None:
        backend.check()


def settled(workshop: Workshop, noun: str, id: str) -> bool:
    """Whether the thing is not on its way to another state."""
    passing = {"pending", "starting", "creating", "saving"}
    return getattr(workshop.noun(noun).get(id), "state", None) not in passing


class TokenTests:
    @pytest.mark.parametrize("noun", TOKENED)
    def test_making_the_same_token_twice_gives_the_first_again(self, workshop: Workshop, noun: str) -> None:
        workshop.need(Capability.TOKENS)
        spec = workshop.spec(noun, workshop.token())
        first, second = workshop.create(noun, spec), workshop.create(noun, spec)
        assert first.id == second.id

    @pytest.mark.parametrize("noun", TOKENED)
    def test_specifications_without_a_token_make_one_each(self, workshop: Workshop, noun: str) -> None:
        workshop.need(Capability.TOKENS)
        first, second = (workshop.create(noun, workshop.spec(noun)) for _ in range(2))
        assert first.id != second.id

    @pytest.mark.parametrize("noun", TOKENED)
    def test_different_tokens_make_one_each(self, workshop: Workshop, noun: str) -> None:
        workshop.need(Capability.TOKENS)
        first, second = (workshop.create(noun, workshop.spec(noun, workshop.token())) for _ in range(2))
        assert first.id != second.id

    @pytest.mark.parametrize("noun", TOKENED)
    def test_what_was_made_is_found_by_its_token(self, workshop: Workshop, noun: str) -> None:
        workshop.need(Capability.TOKENS)
        token = workshop.token()
        made = workshop.create(noun, workshop.spec(noun, token))
        found = workshop.noun(noun).find(token)
        assert found is not None
        assert found.id == made.id

    @pytest.mark.parametrize("noun", TOKENED)
    def test_an_unknown_token_finds_nothing(self, workshop: Workshop, noun: str) -> None:
        workshop.need(Capability.TOKENS)
        workshop.create(noun, workshop.spec(noun))
        assert workshop.noun(noun).find(workshop.token()) is None
        assert workshop.noun(noun).find("") is None

    @pytest.mark.parametrize("noun", TOKENED)
    def test_the_token_of_what_was_deleted_finds_nothing_and_is_free_again(
        self, workshop: Workshop, noun: str
    ) -> None:
        workshop.need(Capability.TOKENS)
        spec = workshop.spec(noun, workshop.token())
        first = workshop.create(noun, spec)
        workshop.remove(noun, first.id)
        assert workshop.noun(noun).find(spec.token) is None
        assert workshop.create(noun, spec).id in workshop.noun(noun).ids()
