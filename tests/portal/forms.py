"""Every form of the portal: who sends it, where to, and what a valid one holds."""

from urllib.parse import parse_qsl

from tests.portal.filling import FormPage
from tests.portal.pages import ASKED
from tests.portal.stage import USER_CODE

REASON = "Because of a good reason."


# These go on to an identity provider, or come from one: tests/federation has real ones.
# ORCID has a server of its own in test_orcid.
LEADING_OUT = {
    "auth.confirm",
    "auth.go",
    "auth.logged_out",
    "identities.add",
    "identities.confirm",
    "identities.prove",
    "orcid.index",
    "orcid.insert",
}
BECAUSE = {"reason": REASON}
IN_THE_ROOM = (
    ("close", "chen", "close", {}),
    ("attend", "ruth", "enter", {}),
    ("go_on", "chen", "next", {"leaving": "{item_open}"}),
    ("take", "chen", "items/{second_open}/take", {"leaving": "{item_open}"}),
    ("record", "owen", "record", {"about": "{item_open}", "minutes": "Other words."}),
)
FORMS = (
    FormPage("auth.log_in", "", "/login", {"who": "priya", "next": "/projects"}, page=False),
    FormPage("auth.logout", "priya", "/logout", page=False),
    FormPage("auth.welcome", "sam", "/welcome", {"agree": "yes"}),
    FormPage("auth.end_session", "sam", "/account/sessions/end", {"session": "1"}, page=False),
    FormPage(
        "appeals.show",
        "mei",
        "/proposals/{proposal_enzymes}/appeal",
        {"ground": "fact", "text": REASON, "agree": "yes"},
    ),
    FormPage(
        "appeals.answer",
        "owen",
        "/proposals/{proposal_weather}/appeal/answer",
        {"outcome": "reject", "reason": REASON},
    ),
    FormPage("assigning.index", "owen", "/calls/{call_open}/assignment", {"reviewers": "2"}),
    FormPage(
        "assigning.mark",
        "owen",
        "/calls/{call_open}/assignment/marks",
        {"run": "{run_assignment}", "what": "ask", "ask": "{pair}"},
        page=False,
    ),
    FormPage(
        "assignment.assign",
        "owen",
        "/proposals/{proposal_imaging}/reviewers",
        {"reviewer": "{person_sam}"},
        page=False,
    ),
    FormPage(
        "assignment.cancel",
        "owen",
        "/proposals/{proposal_imaging}/reviewers/cancel",
        {"review": "{review_id}"},
        page=False,
    ),
    FormPage(
        "assignment.waive",
        "owen",
        "/proposals/{proposal_imaging}/reviewers/{person_ravi}/waiver",
        {"reason": REASON},
    ),
    FormPage(
        "grace.give",
        "owen",
        "/calls/{call_late}/grace",
        {"reference": "{proposal_glaciers}", "reason": REASON},
    ),
    FormPage("bids.ask", "owen", "/calls/{call_panel}/assignment/bids"),
    FormPage("bids.close", "owen", "/calls/{call_panel}/assignment/bids/close", page=False),
    FormPage(
        "bids.conflict", "ruth", "/calls/{call_panel}/bids/{proposal_first}/conflict", {"reason": REASON}
    ),
    FormPage("bids.index", "ruth", "/calls/{call_panel}/bids"),
    FormPage("awards.show", "mei", "/awards/{award}", {"outcome": "accept", "agree": "yes"}),
    FormPage("assessing.assess", "pat", "/proposals/{proposal_ice}/assessment", {"verdict": "feasible"}),
    FormPage("results.hide", "priya", "/proposals/{proposal_weather}/abstract", page=False),
    FormPage("courses.show", "priya", "/projects/{project}/course", {"seats": "40", "cap": "5"}),
    FormPage("courses.renew", "priya", "/projects/{project}/course/link", page=False),
    FormPage("courses.join", "sam", "/courses/{course_token}", page=False),
    FormPage("draws.seal", "owen", "/calls/{call_exchange}/draw/seal", page=False),
    FormPage(
        "draws.freeze",
        "owen",
        "/calls/{call_tiered}/draw/freeze",
        {"top": "20", "lower": "30", "source": "The lottery of Saturday"},
        page=False,
    ),
    FormPage("draws.lots", "owen", "/calls/{call_frozen}/draw/lots", {"public": "3 14 15 92"}, page=False),
    FormPage("ties.go", "chen", "/calls/{call_panel}/tie", {"what": "seal"}, page=False),
    FormPage("exchange.arrange", "owen", "/calls/{call_exchange}/exchange/pairs", page=False),
    FormPage("exchange.index", "owen", "/calls/{call_paired}/exchange", {"due_at": "2030-01-01T09:00"}),
    FormPage(
        "agreements.agree",
        "pat",
        "/consents/ahead/agree",
        {"call": "{call_open}", "resource": "h100"},
        page=False,
    ),
    FormPage(
        "agreements.take_back",
        "pat",
        "/consents/ahead/take-back",
        {"call": "{call_open}", "resource": "h100"},
        page=False,
    ),
    FormPage("leftovers.give_back", "owen", "/calls/{call_past}/leftovers/return", page=False),
    FormPage("opening.conclude", "owen", "/calls/{call_open}/conclude", page=False),
    FormPage("opening.copy", "owen", "/calls/{call_open}/copy", page=False),
    FormPage("opening.correct", "owen", "/calls/{call_open}/correct", {"reason": REASON}),
    FormPage("opening.edit", "owen", "/calls/{call_draft}/edit"),
    FormPage("opening.edit", "owen", "/calls/{call_draft}/edit/window"),
    FormPage("opening.edit", "owen", "/calls/{call_draft}/edit/form"),
    FormPage("opening.edit", "owen", "/calls/{call_draft}/edit/review"),
    FormPage("opening.edit", "owen", "/calls/{call_draft}/edit/resources"),
    FormPage("opening.edit", "owen", "/calls/{call_draft}/edit/letters"),
    FormPage("opening.new", "owen", "/calls/new", {"title": "A call"}),
    FormPage("opening.publish", "owen", "/calls/{call_draft}/publish", page=False),
    FormPage("consents.answer", "pat", "/allocations/{allocation_offered}/consent", {"reason": REASON}),
    FormPage("datasets.revoke", "dana", "/access-grants/{grant_id}/revoke", {"reason": REASON}),
    FormPage(
        "institutions.classify", "ada", "/admin/institutions/{institution_far}/kind", {"kind": "laboratory"}
    ),
    FormPage(
        "institutions.new",
        "ada",
        "/admin/institutions/new",
        {
            "name": "Near College",
            "country": "US",
            "ror": "https://ror.org/05dxps055",
            "domains": "near.example",
        },
    ),
    FormPage(
        "invitations.new",
        "ada",
        "/people/invitations/new",
        {"email": "new@commons.example", "role": "reviewer", "reason": REASON},
    ),
    FormPage("invitations.accept", "uma", "/role-invitations/{role_token}/accept", page=False),
    FormPage("invitations.decline", "uma", "/role-invitations/{role_token}/decline", page=False),
    FormPage(
        "invitations.withdraw",
        "ada",
        "/people/invitations/withdraw",
        {"invitation": "{role_invitation_id}"},
        page=False,
    ),
    FormPage("expertise.profile", "ruth", "/reviews/profile"),
    FormPage("expertise.confirm", "ruth", "/reviews/profile/confirm", page=False),
    FormPage(
        "expertise.add",
        "ruth",
        "/reviews/profile/publications/new",
        {"title": "On clouds", "year": "2024", "doi": "10.1000/182"},
    ),
    FormPage(
        "expertise.take_in",
        "ruth",
        "/reviews/profile/publications/import",
        {"text": "title,year\nOn rain,2023\n"},
    ),
    FormPage(
        "expertise.remove",
        "ruth",
        "/reviews/profile/publications/remove",
        {"publication": "{publication_ruth}"},
        page=False,
    ),
    FormPage("identities.merge", "ada", "/people/merges/{merge}", {"outcome": "merge"}),
    FormPage(
        "identities.remove", "sam", "/account/log-ins/remove", {"identity": "{identity_sam}"}, page=False
    ),
    FormPage(
        "meetings.convene",
        "chen",
        "/calls/{call_panel}/meetings",
        {"title": "Winter panel", "starts_at": "2030-01-01T09:00", "members": "{person_ravi}"},
    ),
    FormPage("meetings.plan", "chen", "/meetings/{meeting_planned}/plan", {"title": "Winter panel"}),
    FormPage("meetings.fill", "chen", "/meetings/{meeting_planned}/agenda", page=False),
    FormPage(
        "meetings.arrange", "chen", "/meetings/{meeting_planned}/agenda/{item_planned}/down", page=False
    ),
    FormPage("meeting_room.begin", "chen", "/meetings/{meeting_planned}/open", page=False),
    *(
        FormPage(f"meeting_room.{verb}", who, f"/meetings/{{meeting_open}}/{where}", typed, page=False)
        for verb, who, where, typed in IN_THE_ROOM
    ),
    FormPage("meeting_room.recuse", "ruth", "/meetings/{meeting_open}/items/{item_open}/conflict", BECAUSE),
    FormPage("notebooks.new", "uma", "/projects/{project}/notebooks/new"),
    FormPage("notebooks.restart", "carlos", "/notebooks/{notebook_carlos}/restart", page=False),
    FormPage("notebooks.stop", "priya", "/notebooks/{notebook_priya}/stop", page=False),
    FormPage("operations.retry", "owen", "/operations/retry", {"delivery": "{delivery_id}"}, page=False),
    FormPage(
        "panel.decide",
        "chen",
        "/proposals/{proposal_imaging}/decide",
        {"outcome": "award", "summary": "Good."},
    ),
    FormPage("panel.calibrate", "chen", "/calls/{call_panel}/panel/calibration", {"places": "3"}, page=False),
    FormPage("people.disable", "ada", "/people/{psn_mei}/disable", BECAUSE),
    FormPage("people.enable", "ada", "/people/{psn_gordon}/enable", {"reason": REASON}),
    FormPage("people.end_session", "ada", "/people/{psn_sam}/sessions/{session_sam}/end", {"reason": REASON}),
    FormPage(
        "personal_relations.index",
        "ruth",
        "/account/relations",
        {"kind": "student", "name": "Uma Patel", "orcid": "0000-0002-1825-0097"},
    ),
    FormPage(
        "personal_relations.remove",
        "ruth",
        "/account/relations/remove",
        {"relation": "{relation_ruth}"},
        page=False,
    ),
    FormPage("people.reject", "ada", "/people/{psn_sam}/identities/{held_id}/reject", {"reason": REASON}),
    FormPage("people.release", "ada", "/people/{psn_sam}/identities/{held_id}/release", {"reason": REASON}),
    FormPage("progress.advance", "owen", "/proposals/{proposal_tides}/advance"),
    FormPage(
        "projects.add_data", "uma", "/projects/{project}/data", {"dataset": "weather-stations"}, page=False
    ),
    FormPage(
        "projects.invite",
        "priya",
        "/projects/{project}/members/invite",
        {"email": "sam@commons.example", "role": "user"},
    ),
    FormPage(
        "projects.remove_member",
        "priya",
        "/projects/{project}/members/remove",
        {"member": "{member_id}"},
        page=False,
    ),
    FormPage(
        "registry.add_home",
        "ada",
        "/admin/providers/far/homes/new",
        {"entity_id": "https://near.example/idp", "ror": "Far University", "scopes": "near.example"},
    ),
    FormPage("registry.disable", "ada", "/admin/providers/far/disable", {"reason": REASON}),
    FormPage("registry.edit", "ada", "/admin/providers/far/edit", {"name": "Farther away"}),
    FormPage("registry.enable", "ada", "/admin/providers/old/enable", {"reason": REASON}),
    FormPage(
        "registry.new",
        "ada",
        "/admin/providers/new",
        {
            "slug": "near",
            "name": "Near by",
            "issuer": "https://near.example",
            "client_id": "commons",
            "secret_setting": "near",
        },
    ),
    FormPage(
        "registry.remove_home", "ada", "/admin/providers/far/homes/{home_id}/remove", {"reason": REASON}
    ),
    FormPage(
        "projects.sponsor",
        "priya",
        "/projects/{project}/members/sponsor",
        {"member": "{member_id}"},
        page=False,
    ),
    FormPage(
        "requests.decide", "dana", "/access-requests/{request}", {"outcome": "refuse", "message": REASON}
    ),
    FormPage(
        "provider.answer",
        "priya",
        "/oauth/authorize",
        {**dict(parse_qsl(ASKED)), "answer": "allow"},
        page=False,
    ),
    FormPage(
        "provider.answer_device",
        "priya",
        "/device/answer",
        {"user_code": USER_CODE, "answer": "allow"},
        page=False,
    ),
    FormPage("provider.device", "priya", "/device", {"user_code": USER_CODE}),
    FormPage("reviewers.seniority", "owen", "/reviewers/{psn_ruth}/seniority", {"seniority": "senior"}),
    FormPage("reviews.accept", "rosa", "/reviews/{review_rosa}/accept", page=False),
    FormPage(
        "reviews.step_back",
        "petra",
        "/reviews/{review_petra}/step-back",
        {"kind": "conflict", "reason": REASON},
    ),
    FormPage(
        "reviews.write",
        "petra",
        "/reviews/{review_petra}",
        {"confidence": "3", "to_pi": "Words.", "to_panel": "Words."},
    ),
    FormPage("roles.grant", "ada", "/people/{psn_sam}/roles/new", {"role": "reviewer", "reason": REASON}),
    FormPage("roles.revoke", "ada", "/people/{psn_ruth}/roles/{grant_ruth}/revoke", {"reason": REASON}),
    FormPage(
        "screening.screen",
        "owen",
        "/proposals/{proposal_language}/screen",
        {"outcome": "return", "message": REASON},
    ),
    FormPage(
        "service_tokens.confirm", "carlos", "/projects/{project}/tokens/confirm", {"token": "1"}, page=False
    ),
    FormPage(
        "service_tokens.new",
        "priya",
        "/projects/{project}/tokens/new",
        {"name": "Nightly", "scopes": "read:projects"},
        done=200,
    ),
    FormPage(
        "service_tokens.revoke", "priya", "/projects/{project}/tokens/revoke", {"token": "1"}, page=False
    ),
    FormPage("provider.take_back", "priya", "/account/sites/take-back", {"client": "1"}, page=False),
    FormPage("standing.answer", "inga", "/confirmations/{confirmation}", {"outcome": "researcher"}),
    FormPage("standing.show", "sam", "/account/standing", {"note": "I teach physics."}),
    FormPage("standing.withdraw", "lena", "/account/standing/{confirmation}/withdraw", page=False),
    FormPage(
        "teams.member", "priya", "/proposals/{proposal_soil}/team/{invited}", {"email": "x@example.edu"}
    ),
    FormPage("teams.send_again", "priya", "/proposals/{proposal_soil}/team/{invited}/send", page=False),
    FormPage("teams.withdraw", "priya", "/proposals/{proposal_soil}/team/{invited}/withdraw", page=False),
    FormPage("teams.take_off", "priya", "/proposals/{proposal_soil}/team/{joined}/take-off", page=False),
    FormPage("teams.accept", "sam", "/invitations/{token}/accept", page=False),
    FormPage("teams.decline", "sam", "/invitations/{token}/decline", page=False),
    FormPage("reviews.reopen", "ruth", "/reviews/{review_dunes}/reopen", page=False),
    FormPage("talking.discussion", "ruth", "/proposals/{proposal_dunes}/discussion", {"text": "Yes."}),
    FormPage(
        "talking.reply", "ibrahim", "/proposals/{proposal_tides}/reply", {"text": "We did.", "agree": "yes"}
    ),
    FormPage("viewing.begin", "ada", "/people/{psn_uma}/view", {"reason": REASON}),
    FormPage("splits.decide_all", "chen", "/calls/{call_panel}/decide-all"),
    FormPage("splits.index", "chen", "/calls/{call_panel}/split"),
    FormPage("splits.pin", "chen", "/proposals/{proposal_first}/pin", {"reason": REASON}),
    FormPage(
        "splits.take_over", "chen", "/calls/{call_panel}/split/take-over", {"run": "{run_split}"}, page=False
    ),
    FormPage("splits.unpin", "chen", "/proposals/{proposal_pinned}/unpin", page=False),
    FormPage("viewing.end", "ada", "/viewing/end", page=False),
    FormPage(
        "tokens.new", "sam", "/account/tokens/new", {"name": "Nightly", "scopes": "read:profile"}, done=200
    ),
    FormPage("tokens.revoke", "priya", "/account/tokens/revoke", {"token": "1"}, page=False),
    FormPage("tokens.revoke_all", "priya", "/account/tokens/revoke-all", page=False),
    FormPage("answering.section", "priya", "/proposals/{proposal_soil}/form/0"),
    FormPage(
        "answering.one",
        "priya",
        "/proposals/{proposal_rivers}/answers/{question_method}",
        {"text": "With hydrophones.", "seen": "1"},
        page=False,
        done=200,
    ),
    FormPage(
        "importing.bring",
        "priya",
        "/proposals/{proposal_lagoons}/import",
        {"earlier": "{proposal_weather}"},
        page=False,
    ),
    FormPage("short.form", "priya", "/proposals/{proposal_lagoons}/short"),
    FormPage("writing.data", "priya", "/proposals/{proposal_soil}/data"),
    FormPage("writing.resources", "priya", "/proposals/{proposal_soil}/resources"),
    FormPage("writing.start", "priya", "/calls/{call_open}/apply", page=False),
    FormPage("writing.submit", "priya", "/proposals/{proposal_soil}/submit", page=False),
    FormPage("writing.summary", "priya", "/proposals/{proposal_soil}/summary"),
    FormPage("writing.team", "priya", "/proposals/{proposal_soil}/team"),
    FormPage("writing.withdraw", "priya", "/proposals/{proposal_soil}/withdraw", page=False),
)
