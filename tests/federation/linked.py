"""What the tests of linking do at browsers: log in a second time, confirm, take off."""

from urllib.parse import urljoin

import requests
from sqlalchemy import select

from allocations.people.persons import Identity
from portal.mail import Letter
from portal.worker import Worker
from tests.federation.certified import MFA, SAME_SUB
from tests.federation.forms import forms_of
from tests.federation.stage import Browser, Portal

ADD, PAGE, REMOVE = "/account/log-ins/add", "/account/log-ins", "/account/log-ins/remove"


def other(browser: Browser, persona: str = SAME_SUB, slug: str = "south") -> requests.Response:
    """Logs in at the second provider for the account of this browser; the page that shows both."""
    return browser.choose(browser.post(f"{ADD}/{slug}"), persona)


def bait(browser: Browser) -> str:
    """The address that the second provider sends the browser back to; not visited."""
    page = browser.post(f"{ADD}/south")
    form = next(one for one in forms_of(page.text) if "persona" in one.names)
    fields = {**form.fields, "persona": SAME_SUB, "acr": MFA, "answer": "go"}
    answer = browser.post(urljoin(page.url, form.action), fields, follow=False)
    while not answer.headers["Location"].startswith(browser.portal.address):
        answer = browser.get(answer.headers["Location"], follow=False)
    return answer.headers["Location"]


def confirmed(browser: Browser, page: requests.Response) -> requests.Response:
    return browser.submit(page, {"offer": offer_of(page)})


def offer_of(page: requests.Response) -> str:
    return next(str(form.fields["offer"]) for form in forms_of(page.text) if "offer" in form.names)


def owners(portal: Portal) -> dict[str, str]:
    """Log-in -> name of the person whose account it opens."""
    with portal.sessions() as session:
        rows = session.scalars(select(Identity).where(Identity.unlinked_at.is_(None)))
        return {f"{row.name}": row.person.name for row in rows}


def letters(portal: Portal, about: str) -> set[str]:
    worker = Worker(portal.sessions, portal.app.extensions["settings"])
    while worker.expand() or worker.deliver():
        pass
    with portal.sessions() as session:
        return set(session.scalars(select(Letter.recipient).where(Letter.subject.contains(about))))


def removable(browser: Browser) -> list[str]:
    forms = forms_of(browser.get(PAGE).text)
    return [str(form.fields["identity"]) for form in forms if form.action.endswith(REMOVE)]
