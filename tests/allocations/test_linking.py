"""Linking: one person with several log-ins; nothing is joined or moved in silence."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from allocations.kernel import clock
from allocations.kernel.audit import AuditEntry
from allocations.kernel.errors import IllegalMove, NotAllowed, NotFound
from allocations.kernel.outbox import EventRow
from allocations.people import eligibility, linking, recognition
from allocations.people.institutions import HomeOrganisation, IdentityProvider, Institution, ProviderKind
from allocations.people.merging import MergeRequest
from allocations.people.persons import Identity, Person, by_identity, latest_identity
from allocations.people.recognition import Claims, Held
from allocations.people.roles import Actor, actor_of
from tests.cast import Cast

ISSUER, HOME = "https://login.second.example", "https://second.example/shibboleth"
ORCID = "0000-0002-1825-0097"


@pytest.fixture
def provider(session: Session, cast: Cast) -> IdentityProvider:
    """Speaks for an institution of its own."""
    made = IdentityProvider(
        slug="second", name="Second", issuer=ISSUER, client_id="us", secret_setting="second"
    )
    home = HomeOrganisation(
        provider=made,
        entity_id=HOME,
        institution=Institution(name="Second University"),
        scopes=["second.example"],
    )
    session.add_all([made, home])
    session.flush()
    return made


def claims(subject: str = "sam-2", **more: Any) -> Claims:
    given: Mapping[str, Any] = {
        "name": "Sam Second",
        "mail": "sam@second.example",
        "entity_id": HOME,
        "affiliations": ("faculty@second.example", "faculty@mit.edu"),
        **more,
    }
    return Claims(issuer=ISSUER, subject=subject, **given)


def linked(
    session: Session, actor: Actor, provider: IdentityProvider, said: Claims | None = None
) -> Identity:
    found = linking.link(session, actor, provider, said or claims())
    assert isinstance(found, Identity)
    session.flush()
    return found


def first(session: Session, actor: Actor) -> Identity:
    return linking.of_person(session, actor)[0]


def counted(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def happened(session: Session, verb: str) -> list[str]:
    session.flush()
    return list(session.scalars(select(AuditEntry.subject).where(AuditEntry.verb == verb)))


def told(session: Session, kind: str) -> int:
    session.flush()
    return session.scalar(select(func.count()).where(EventRow.type == kind)) or 0


def test_a_new_log_in_opens_the_same_account(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    before = counted(session, Person)

    identity = linked(session, cast.sam, provider)

    assert by_identity(session, ISSUER, "sam-2") is cast.person(cast.sam)
    assert counted(session, Person) == before
    assert identity.affiliations == ["faculty@second.example"]
    assert linking.of_person(session, cast.sam)[1] is identity
    assert happened(session, "identity.link") == [f"person-{cast.sam.person_id}"]
    assert told(session, "IdentityLinked") == 1


def test_a_linked_log_in_adds_nothing_to_the_one_in_use(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    """AARC-G031: Uma, a student here, is faculty there; here she is a student."""
    second = linked(session, cast.uma, provider)
    uma = cast.person(cast.uma)
    here = linking.of_person(session, cast.uma)[0]

    assert not eligibility.may_be_pi(actor_of(session, uma, here))
    assert eligibility.may_be_pi(actor_of(session, uma, second))


def test_somebody_of_no_institution_belongs_to_that_of_the_new_log_in(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    person = cast.person(cast.sam)
    person.institution = None

    linked(session, cast.sam, provider)

    assert person.affiliation == "Second University"


def test_a_new_log_in_moves_nobody_to_another_institution(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    linked(session, cast.sam, provider)

    assert cast.person(cast.sam).affiliation == "Somewhere Else"


def test_ones_own_log_in_is_not_linked_again(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    linked(session, cast.sam, provider)

    with pytest.raises(IllegalMove, match="belongs to your account already"):
        linking.link(session, cast.sam, provider, claims())


def test_somebody_elses_log_in_is_asked_about_and_not_moved(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    theirs = linked(session, cast.ruth, provider)

    asked = linking.link(session, cast.sam, provider, claims())

    assert isinstance(asked, MergeRequest)
    assert (asked.person, asked.other) == (cast.person(cast.sam), cast.person(cast.ruth))
    assert theirs.person is cast.person(cast.ruth)
    assert told(session, "IdentityLinked") == 1
    assert sorted(happened(session, "merge_request.ask")) == sorted(
        f"person-{actor.person_id}" for actor in (cast.sam, cast.ruth)
    )


def test_a_held_log_in_is_not_linked(session: Session, cast: Cast, provider: IdentityProvider) -> None:
    linked(session, cast.ruth, provider).held_at = clock.now()

    with pytest.raises(IllegalMove, match="is held"):
        linking.link(session, cast.sam, provider, claims())
    assert counted(session, MergeRequest) == 0


def test_a_log_in_is_taken_off_and_opens_the_account_no_longer(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    second = linked(session, cast.sam, provider)

    linking.unlink(session, cast.sam, second, in_use=first(session, cast.sam))
    session.flush()

    assert by_identity(session, ISSUER, "sam-2") is None
    assert linking.of_person(session, cast.sam) == [first(session, cast.sam)]
    assert happened(session, "identity.unlink") == [f"person-{cast.sam.person_id}"]
    assert told(session, "IdentityUnlinked") == 1


def test_a_log_in_that_was_taken_off_is_not_the_latest(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    """Somebody's standing does not rest on it any more."""
    with clock.at(clock.now() + timedelta(hours=1)):
        second = linked(session, cast.sam, provider)
    linking.unlink(session, cast.sam, second, in_use=first(session, cast.sam))
    session.flush()

    assert latest_identity(session, cast.person(cast.sam)) is first(session, cast.sam)


def test_the_next_log_in_with_it_begins_another_account(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    second = linked(session, cast.sam, provider)
    linking.unlink(session, cast.sam, second, in_use=first(session, cast.sam))

    found = recognition.recognise(session, provider, claims())

    assert isinstance(found, Identity)
    assert found.person is not cast.person(cast.sam)
    assert found.person.affiliation == "Second University"
    assert (found.unlinked_at, found.id) == (None, second.id)


def test_a_held_log_in_stays_held_when_it_is_taken_off(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    second = linked(session, cast.sam, provider)
    second.held_at = clock.now()
    linking.unlink(session, cast.sam, second, in_use=first(session, cast.sam))

    assert isinstance(recognition.recognise(session, provider, claims()), Held)
    assert second.person is cast.person(cast.sam)


def test_a_log_in_that_was_taken_off_is_linked_again(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    second = linked(session, cast.sam, provider)
    linking.unlink(session, cast.sam, second, in_use=first(session, cast.sam))

    again = linked(session, cast.ruth, provider)

    assert again is second
    assert by_identity(session, ISSUER, "sam-2") is cast.person(cast.ruth)


def test_the_last_log_in_stays(session: Session, cast: Cast) -> None:
    mine = first(session, cast.sam)

    with pytest.raises(NotAllowed, match="your only log-in"):
        linking.unlink(session, cast.sam, mine, in_use=mine)


def test_the_log_in_in_use_stays(session: Session, cast: Cast, provider: IdentityProvider) -> None:
    second = linked(session, cast.sam, provider)

    with pytest.raises(NotAllowed, match="You are here with this log-in"):
        linking.unlink(session, cast.sam, second, in_use=second)


def test_nobody_takes_off_or_sees_the_log_in_of_others(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    second, own = linked(session, cast.sam, provider), first(session, cast.ruth)
    linked(session, cast.ruth, provider, claims("ruth-2"))

    with pytest.raises(NotAllowed, match="somebody else"):
        linking.unlink(session, cast.ruth, second, in_use=own)
    with pytest.raises(NotFound):
        linking.get(session, cast.ruth, second.id)
    assert second not in linking.of_person(session, cast.ruth)


def test_a_log_in_that_was_taken_off_is_not_found(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    second = linked(session, cast.sam, provider)
    linking.unlink(session, cast.sam, second, in_use=first(session, cast.sam))
    session.flush()

    with pytest.raises(NotFound):
        linking.get(session, cast.sam, second.id)


def test_letters_about_the_account_go_everywhere(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    """A thief who changes the address of the profile does not keep it quiet."""
    linked(session, cast.sam, provider)
    linked(session, cast.sam, provider, claims("silent", mail=""))

    found = linking.addresses(session, cast.person(cast.sam))

    assert found == ("sam@example.edu", "sam@second.example")


def test_an_orcid_id_is_proved_and_adds_no_log_in(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    before = counted(session, Identity)

    linking.prove_orcid(session, cast.sam, claims(ORCID, orcid=ORCID))

    assert cast.person(cast.sam).orcid == ORCID
    assert counted(session, Identity) == before
    assert happened(session, "person.prove_orcid") == [f"person-{cast.sam.person_id}"]


def test_a_log_in_without_an_id_proves_none_and_wipes_none(
    session: Session, cast: Cast, provider: IdentityProvider
) -> None:
    cast.person(cast.sam).orcid = ORCID

    with pytest.raises(IllegalMove, match="no ORCID iD"):
        linking.prove_orcid(session, cast.sam, claims("somebody", orcid=""))

    assert cast.person(cast.sam).orcid == ORCID


@pytest.mark.parametrize("kind", ProviderKind)
def test_only_orcid_is_a_proof_and_no_log_in(
    session: Session, provider: IdentityProvider, kind: ProviderKind
) -> None:
    provider.kind = kind

    assert linking.is_proof_only(provider) == (kind == ProviderKind.ORCID)
