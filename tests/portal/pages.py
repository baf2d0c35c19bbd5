"""Every page that GET answers: who opens it, where, and how many statements it may cost."""

from dataclasses import dataclass

LIST, DETAIL = 8, 12


@dataclass(frozen=True)
class Page:
    endpoint: str
    who: str  # empty: nobody is logged in
    address: str  # with the places of the stage in braces
    most: int = DETAIL
    status: int = 200


PAGES = (
    Page("auth.login", "", "/login", LIST),
    Page("auth.callback", "", "/login/nobody/callback", LIST, status=404),
    Page("auth.confirm", "dana", "/step-up?next=/access-requests", LIST),
    Page("auth.resume", "dana", "/resume/1", LIST, status=404),
    Page("auth.session_list", "priya", "/account/sessions", LIST),
    Page("auth.welcome", "priya", "/welcome", LIST),
    Page("front.index", "", "/", LIST),
    Page("front.index", "priya", "/", LIST),
    Page("front.about", "", "/about", LIST),
    Page("front.accessibility", "", "/accessibility", LIST),
    Page("front.docs", "", "/docs", LIST),
    Page("front.healthz", "", "/healthz", LIST),
    Page("front.readyz", "", "/readyz", LIST, status=503),
    Page("front.resource", "", "/resources/h100"),
    Page("front.resource_list", "", "/resources", LIST),
    Page("front.status", "", "/status", LIST),
    Page("front.theme", "", "/theme.css", LIST),
    Page("assignment.index", "owen", "/proposals/{proposal_imaging}/reviewers"),
    Page("awards.show", "mei", "/awards/{award}"),
    Page("calls.edit", "owen", "/calls/{call_draft}/edit"),
    Page("calls.index", "", "/calls", LIST),
    Page("calls.index", "owen", "/calls", LIST),
    Page("calls.new", "owen", "/calls/new"),
    Page("calls.show", "owen", "/calls/{call_draft}"),
    Page("calls.show", "priya", "/calls/{call_open}"),
    Page("consents.answer", "pat", "/allocations/{allocation_offered}/consent"),
    Page("consents.index", "pat", "/consents", LIST),
    Page("datasets.index", "", "/datasets", LIST),
    Page("datasets.revoke", "dana", "/access-grants/{grant_id}/revoke"),
    Page("datasets.show", "dana", "/datasets/weather-stations"),
    Page("home.index", "priya", "/home", LIST),
    Page("home.index", "owen", "/home", LIST),
    Page("mailbox.index", "priya", "/mailbox", LIST),
    Page("notebooks.enter", "priya", "/notebooks/{notebook_priya}/open", status=303),
    Page("notebooks.new", "uma", "/projects/{project}/notebooks/new"),
    Page("notebooks.show", "priya", "/notebooks/{notebook_priya}"),
    Page("notebooks.show", "uma", "/notebooks/{notebook_uma}"),
    Page("notebooks.status", "uma", "/notebooks/{notebook_uma}/status"),
    Page("operations.index", "owen", "/operations"),
    Page("panel.decide", "chen", "/proposals/{proposal_imaging}/decide"),
    Page("panel.index", "chen", "/panel", LIST),
    Page("panel.ranked", "chen", "/calls/{call_open}/panel"),
    Page("projects.allocation", "priya", "/allocations/{allocation_active}"),
    Page("projects.data", "priya", "/projects/{project}/data"),
    Page("projects.invite", "priya", "/projects/{project}/members/invite"),
    Page("projects.index", "priya", "/projects", LIST),
    Page("projects.show", "priya", "/projects/{project}"),
    Page("proposals.index", "priya", "/proposals", LIST),
    Page("proposals.show", "chen", "/proposals/{proposal_imaging}"),
    Page("proposals.show", "owen", "/proposals/{proposal_language}"),
    Page("proposals.show", "petra", "/proposals/{proposal_imaging}"),
    Page("proposals.show", "priya", "/proposals/{proposal_soil}"),
    Page("proposals.show", "priya", "/proposals/{proposal_weather}"),
    Page("proposals.versions", "priya", "/proposals/{proposal_weather}/versions"),
    Page("requests.decide", "dana", "/access-requests/{request}"),
    Page("requests.index", "dana", "/access-requests", LIST),
    Page("reviews.index", "petra", "/reviews", LIST),
    Page("reviews.step_back", "petra", "/reviews/{review_petra}/step-back"),
    Page("reviews.write", "petra", "/reviews/{review_petra}"),
    Page("reviews.write", "ruth", "/reviews/{review_ruth}"),
    Page("screening.index", "owen", "/screening", LIST),
    Page("screening.index", "owen", "/screening?state=in_review", LIST),
    Page("screening.screen", "owen", "/proposals/{proposal_language}/screen"),
    Page("service_tokens.index", "carlos", "/projects/{project}/tokens"),
    Page("service_tokens.new", "priya", "/projects/{project}/tokens/new"),
    Page("teams.show", "sam", "/invitations/{token}"),
    Page("tokens.index", "priya", "/account/tokens", LIST),
    Page("tokens.new", "priya", "/account/tokens/new", LIST),
    Page("writing.case", "priya", "/proposals/{proposal_soil}/case"),
    Page("writing.check", "priya", "/proposals/{proposal_soil}/check"),
    Page("writing.data", "priya", "/proposals/{proposal_soil}/data"),
    Page("writing.resources", "priya", "/proposals/{proposal_soil}/resources"),
    Page("writing.summary", "priya", "/proposals/{proposal_soil}/summary"),
    Page("writing.team", "priya", "/proposals/{proposal_soil}/team"),
)
